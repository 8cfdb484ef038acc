#!/bin/sh
# Makes the pictures of this folder anew from what the program really shows: terminals through tmux, the receiver's page as it is, both
# in Chromium.   contrib/screenshots/make.sh PATH-OF-LFSPOOL
# Needs tmux, jq, Chromium, node and npm. The paths in the pictures are those of a home that exists only for the time.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
LFSPOOL=$(CDPATH='' cd -- "$(dirname -- "$1")" && pwd)/$(basename -- "$1")
if [ -z "${SHOTS_INSIDE:-}" ]; then
	exec env SHOTS_INSIDE=1 LC_ALL=C.UTF-8 unshare -rm sh "$0" "$LFSPOOL"
fi
home=$(mktemp -d)
mount --bind "$home" /home
srcdir=$(CDPATH='' cd -- "$here/../.." && pwd) builddir=$(dirname -- "$LFSPOOL")
export LFSPOOL srcdir builddir
. "$srcdir/tests/t/lib.sh"
. "$srcdir/tests/ui/install.sh"
export HOME=/home/dev XDG_STATE_HOME=/home/dev/.local/state XDG_CONFIG_HOME=/home/dev/.config XDG_DATA_HOME=/home/dev/.local/share
unset LFSPOOL_SPOOL_DIR NO_COLOR
mkdir -p "$HOME/bin" "$XDG_STATE_HOME" "$XDG_DATA_HOME/opencode" && cd "$HOME"
ln -s "$LFSPOOL" "$HOME/bin/lfspool"
export PATH="$HOME/bin:$PATH"
tmux="tmux -L shots-$$ -f /dev/null"
cleanup_more() {
	$tmux kill-server 2>/dev/null || true
	cd /
	rm -rf /home/dev
	umount -l /home && rmdir "$home"
}
gzip -dc "$srcdir/tests/fixtures/opencode-db/opencode.db.gz" >"$XDG_DATA_HOME/opencode/opencode.db"

shoot() { # NAME COLUMNS ROWS PATTERN COMMAND [EVENTS]: the terminal when the pattern is there
	$tmux kill-server 2>/dev/null || true
	sleep 0.3
	env TERM=xterm-256color "$(command -v tmux)" -L "shots-$$" -f /dev/null -u new-session -d -x "$2" -y "$3" "env PS1='\$ ' TERM=xterm-256color sh"
	$tmux set-option -g status off
	$tmux send-keys -l "clear; $5"
	$tmux send-keys Enter
	wait_screen "$4"
	[ -z "${6:-}" ] || $6
	$tmux capture-pane -e -p >"$tmp/$1.ansi"
	node "$here/terminal.mjs" "$tmp/$1.ansi" "$2" "$5" "$here/$1.png"
}
wait_screen() {
	n=0
	until $tmux capture-pane -p | grep -q -e "$1"; do
		n=$((n + 1)); [ $n -lt 600 ] || fail "never shows '$1': $($tmux capture-pane -p)"
		sleep 0.1
	done
	sleep 0.5
}
feed() { # work comes in while somebody watches
	for s in plain tools reasoning files permission subagent compaction gitcommit permreject queued midstream structured tools bigout; do
		lfspool ingest "$(fixture $s sse.jsonl)" >/dev/null 2>&1 || true
		sleep 0.8
	done
}

start_sink v4 --ui
cat >"$tmp/conf" <<CONF
langfuse_host = $sink_url
langfuse_public_key = pk-lf-demo
langfuse_secret_key = $LFSPOOL_LANGFUSE_SECRET_KEY
flush_interval = 1s
backfill_since = 520w
backfill_rate = 1000
CONF
stop_sink
mkdir -p "$XDG_CONFIG_HOME/lfspool"
(umask 077; cp "$tmp/conf" "$XDG_CONFIG_HOME/lfspool/lfspool.conf")
unset LFSPOOL_LANGFUSE_PUBLIC_KEY LFSPOOL_LANGFUSE_SECRET_KEY LFSPOOL_LANGFUSE_HOST
port=${sink_url##*:}
lfspool sink --ui --listen "127.0.0.1:$port" --for 600 >"$tmp/sink.out" 2>&1 &
sink_pid=$!
lfspool run >/dev/null 2>&1 &
daemon_pid=$!
sleep 1
lfspool ingest "$(fixture secrets sse.jsonl)" "$(fixture err500 sse.jsonl)" "$(fixture unicode sse.jsonl)" >/dev/null

shoot watch 100 26 'q quits' 'lfspool status --watch --interval 1' feed
shoot sessions 110 40 '^[$] *$' 'lfspool show'
shoot show 110 24 'reports\|tool-glob' 'lfspool show ses_e0379994cffe8A2YOO1MMe1rfe'
shoot doctor 100 22 ' bad, ' 'lfspool doctor'
node "$here/page.mjs" "$sink_url/" light "$here/sink-ui.png"
node "$here/page.mjs" "$sink_url/" dark "$here/sink-ui-dark.png"
stop_sink
ls -l "$here"/*.png
