#!/bin/sh
# status --watch on a real terminal and on a pipe; show and doctor keep their colours, their widths and their hands off the terminal.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
have tmux || skip "no tmux"
have curl || skip "no curl"
unset NO_COLOR
terminals=0
cleanup_more() { [ $terminals = 0 ] || $tmux kill-server 2>/dev/null; }
esc=$(printf '\033')

terminal() { # COLUMNS ROWS: a shell in a new terminal of this size
	cleanup_more
	terminals=$((terminals + 1))
	tmux="tmux -L lfspool-watch-$$-$terminals -f /dev/null"
	env TERM=xterm-256color LC_ALL=C.UTF-8 $tmux -u new-session -d -x "$1" -y "$2" "env PS1='ready> ' LC_ALL=C.UTF-8 sh" || fail "tmux starts no terminal"
	$tmux set-option -g status off \; set-option -g default-terminal xterm-256color >/dev/null 2>&1
	on_screen 'ready>'
}
screen() { $tmux capture-pane -p "$@"; }
on_screen() { # PATTERN: waits for it
	n=0
	until screen | grep -q -e "$1"; do
		n=$((n + 1)); [ $n -lt 1200 ] || fail "the screen never shows '$1': $(screen)"
		sleep 0.05
	done
}
gone() { # PATTERN
	n=0
	while screen | grep -q -e "$1"; do
		n=$((n + 1)); [ $n -lt 1200 ] || fail "the screen still shows '$1': $(screen)"
		sleep 0.05
	done
}
type_in() { $tmux send-keys -l "$1"; $tmux send-keys Enter; }

# ---- a pipe: a line a look, no escapes, and no waiting for a keyboard ----
exits 3 "$LFSPOOL" status --watch --count 1
says 'no spool'
evil=$(printf '%b' 'Demo\033]0;gotcha\007\033[2J \342\200\256 \344\270\226\347\225\214 and a long long long long long long long long long long long long title')
for s in tools subagent err500; do exits 0 "$LFSPOOL" ingest "$(fixture $s sse.jsonl)"; done
jq -c --arg t "$evil" '(.. | objects | select(has("title")) | .title) |= $t | (.. | strings) |= gsub("ses_e0"; "ses_ee")' \
	"$(fixture plain sse.jsonl)" >"$tmp/evil.jsonl"
exits 0 "$LFSPOOL" ingest "$tmp/evil.jsonl"
evil_id=$("$LFSPOOL" show --json | jq -r 'select(.session | test("^ses_ee")) | .session')
[ -n "$evil_id" ] || fail "the session with the evil title is not there"
exits 0 "$LFSPOOL" status --watch --count 3 --interval 1
expect 3 "$(wc -l <"$tmp/out")" "lines of three looks"
grep -q "$esc" "$tmp/out" && fail "escapes on a pipe"
grep -qE '^time=[^ ]*Z pid=0 records=[1-9][0-9]* .* sink\.langfuse=off .* source\.opencode=' "$tmp/out" || fail "the line: $(head -1 "$tmp/out")"
exits 0 "$LFSPOOL" status --watch --json --count 2 --interval 1
expect 2 "$(jq -s 'map(select(.spool.records > 0)) | length' "$tmp/out")" "looks as JSON"
exits 0 "$LFSPOOL" status --watch --for 1 --interval 1
exits 2 "$LFSPOOL" status --count 1
exits 2 "$LFSPOOL" status --watch --interval 0
for id in "" "$evil_id"; do
	# shellcheck disable=SC2086
	exits 0 "$LFSPOOL" show $id
	grep -q "$esc" "$tmp/out" && fail "show $id writes escapes into a pipe"
done

# ---- a terminal ----
terminal 100 30
type_in "'$LFSPOOL' status --watch --interval 1"
on_screen 'Redacted'
on_screen 'records/s'
on_screen 'q quits'
screen | grep -q 'ready>' && fail "the screen is not cleared"
screen -e | grep -q "$esc\[1m" || fail "nothing is bold"
# what happens is seen without a key
before=$(screen | sed -n 's/.* \([0-9]*\) records .*sessions.*/\1/p' | head -1)
exits 0 "$LFSPOOL" ingest "$(fixture permission sse.jsonl)"
gone " $before records "
# the window changes its size
$tmux resize-window -x 50 -y 12
on_screen '^q quits'
expect 12 "$(screen | wc -l)" "rows"
on_screen '^Queue'
$tmux resize-window -x 100 -y 30
on_screen 'Redacted'
# Ctrl-Z gives the shell its terminal, fg the screen back
$tmux send-keys C-z
on_screen '^ready>$'
type_in 'stty -a | grep -q " icanon" && echo canonical'
on_screen '^canonical'
type_in fg
on_screen 'q quits'
# q restores it
$tmux send-keys q
on_screen '^ready>$'
gone 'records/s'
type_in 'clear; stty -a | grep -q " echo " && echo echoing $?'
on_screen '^echoing 0'
# with an hour between two looks, the window's size and a key still count; Ctrl-C restores the terminal, too
type_in "clear; '$LFSPOOL' status --watch --interval 3600; echo ended \$?"
on_screen 'q quits'
on_screen '^lfspool .*Z$'
$tmux resize-window -x 80 -y 30
on_screen '^lfspool .*Z$'
before=$(screen | sed -n 's/.* \([0-9]*\) records .*sessions.*/\1/p' | head -1)
exits 0 "$LFSPOOL" ingest "$(fixture reasoning sse.jsonl)"
$tmux send-keys Space
gone " $before records "
$tmux send-keys C-c
on_screen '^ended 0'

# ---- show ----
terminal 72 40
type_in "clear; '$LFSPOOL' show"
on_screen '^ready>'
on_screen '↳ '
screen | grep -q 'started' || fail "no heading: $(screen)"
screen | grep -q 'gotcha' || fail "the evil title does not stand there: $(screen)"
expect "" "$($tmux display-message -p '#{pane_title}' | grep gotcha)" "the terminal's title"
terminal 84 40
type_in "clear; '$LFSPOOL' show $evil_id"
on_screen 'cost'
screen -e | grep -q "$esc\[36m" || fail "no colours: $(screen -e)"
screen | grep -q '^Demo.*世界.*cost$' || fail "the wide characters, or a line wider than the screen: $(screen)"
terminal 84 40
type_in "clear; NO_COLOR=1 '$LFSPOOL' show $evil_id"
on_screen 'cost'
screen -e | grep -q "$esc\[3" && fail "NO_COLOR is not honoured"
terminal 84 40
type_in "clear; TERM=dumb '$LFSPOOL' show $evil_id"
on_screen 'cost'
screen -e | grep -q "$esc\[3" && fail "colours on a dumb terminal"

# ---- progress: on a terminal, while it lasts; a pipe gets none ----
mkfifo "$tmp/hold"
(exec 8>"$tmp/hold"; sleep 1.5; cat "$(fixture gitcommit sse.jsonl)" >&8) &
exits 0 "$LFSPOOL" ingest "$tmp/hold"
wait $!
[ ! -s "$tmp/err" ] || fail "progress where there is no terminal: $(cat "$tmp/err")"
for command in "ingest '$tmp/hold'" "flush --timeout 60"; do
	if [ "$command" = "flush --timeout 60" ]; then start_sink v4 --fault 'posts-only,hang'; fi
	terminal 90 10
	LFSPOOL_LANGFUSE_HOST=${sink_url:-} export LFSPOOL_LANGFUSE_HOST
	type_in "clear; '$LFSPOOL' $command"
	if [ "$command" = "ingest '$tmp/hold'" ]; then
		exec 8>"$tmp/hold"
		on_screen '^ingest .* records, .*s$'
		cat "$(fixture plain sse.jsonl)" >&8
		exec 8>&-
		on_screen 'records stored'
	else
		on_screen '^flush .* in flight, '
		curl -s -d '' "$sink_url/sink/fault" >/dev/null
		$tmux send-keys C-c
	fi
	gone '^\(ingest\|flush\) '
done
stop_sink
exit 0
