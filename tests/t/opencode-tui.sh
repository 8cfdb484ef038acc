#!/bin/sh
# A user of the plain terminal interface, without any option, port or plugin: the session arrives through OpenCode's database.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
have jq || skip "no jq"
have tmux || skip "no tmux"
instrumented && skip "a sanitizer build"
. "$srcdir/tests/opencode/install.sh"
user=$tmp/user
screen() { tmux -S "$tmp/tmux" "$@" 2>>"$tmp/tmux.err"; }
model_pid=''
cleanup_more() {
	screen kill-server
	[ -n "$model_pid" ] && kill "$model_pid"
}
wait_for() { # WHAT COMMAND...: until it succeeds
	what=$1; shift
	n=0
	until "$@"; do
		n=$((n + 1)); [ $n -lt 900 ] || fail "$what: $(screen capture-pane -p | grep -v '^ *$' | head -20)"
		sleep 0.1
	done
}
node "$srcdir/tests/opencode/scripted.mjs" "$user/demo" >"$tmp/model" 2>"$tmp/model.err" &
model_pid=$!
wait_for "the model" grep -q http "$tmp/model"
node "$srcdir/tests/opencode/opencode.mjs" "$user" "$opencode" "$(cat "$tmp/model")" >"$tmp/words" || fail "no home"

start_sink v4
export XDG_DATA_HOME="$user/.local/share"
start_daemon
on_screen() { screen capture-pane -p | grep -q -e "$1"; }
arrived() { grep -q -e "$1" "$tmp/observations.jsonl" 2>/dev/null; }
screen -f /dev/null new-session -d -x 120 -y 40 -c "$user/demo" "$(cat "$tmp/words") $opencode"
wait_for "the terminal interface" on_screen 'Ask anything'
screen send-keys -l '[[tools]] typed by hand'
wait_for "what was typed" on_screen 'typed by hand'
screen send-keys Enter
wait_for "the answer" on_screen 'That was it'
wait_for "the turn" arrived '"name":"turn"'
now=$(date +%s%3N)
expect 4 "$(grep -c '"name":"assistant-response"' "$tmp/observations.jsonl")" "model calls"
expect 6 "$(grep -c '"name":"tool-' "$tmp/observations.jsonl")" "tools"
end=$(jq -s 'map(.end) | max' "$tmp/observations.jsonl")
screen send-keys C-c
stop_daemon || fail "the daemon did not stop well"
stop_sink
grep -q ' 0 duplicates, 0 rejected' "$tmp/sink.out" || fail "$(cat "$tmp/sink.out")"
echo "the session was there $((now - end)) ms after its end; flush_interval is 5000 ms"
[ $((now - end)) -lt 60000 ]
