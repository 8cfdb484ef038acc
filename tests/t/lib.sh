# Shared by the shell tests: a private world per test, and the loopback receiver.
# shellcheck shell=sh
set -u
LFSPOOL=${LFSPOOL:-./lfspool}
srcdir=${srcdir:-.}
fixtures=$srcdir/tests/fixtures/opencode
tmp=$(mktemp -d "${TMPDIR:-/tmp}/lfspool-t-XXXXXX")
sink_pid='' daemon_pid=''
cleanup_more() { :; } # a test that has more to undo says so here
cleanup() {
	for p in $sink_pid $daemon_pid; do kill -9 "$p" 2>/dev/null; done
	cleanup_more
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
unset $(env | sed -n 's/^\(LFSPOOL_[A-Z0-9_]*\|LANGFUSE_[A-Z0-9_]*\|OPENCODE_[A-Z0-9_]*\|OTEL_[A-Z0-9_]*\)=.*/\1/p')
export HOME="$tmp/home" XDG_STATE_HOME="$tmp/state" XDG_CONFIG_HOME="$tmp/config" XDG_DATA_HOME="$tmp/data"
export LFSPOOL_SPOOL_DIR="$tmp/spool"
mkdir -p "$HOME"

fail() { printf 'not ok: %s\n' "$*" >&2; exit 1; }
skip() { printf 'skipped: %s\n' "$*" >&2; exit 77; }
have() { command -v "$1" >/dev/null 2>&1; }
expect() { # EXPECTED ACTUAL WHAT
	[ "$1" = "$2" ] || fail "$3: expected '$1', got '$2'"
}
exits() { # STATUS COMMAND...: keeps output in $tmp/out and $tmp/err
	want=$1; shift
	"$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ "$got" = "$want" ] || fail "exit $got instead of $want: $* ($(tail -3 "$tmp/err"))"
}
says() { # PATTERN: in what the last exits() command wrote to standard error
	grep -q -e "$1" "$tmp/err" || fail "does not say '$1' but: $(cat "$tmp/err")"
}
# json FILE PATH: a number or string out of a flat place, by jq when there, else by the status command's stable keys
json() { jq -r "$2" "$1"; }

# start_sink PROFILE [ARGS...]: sets $sink_url, keys and host for the commands that follow
start_sink() {
	profile=$1; shift
	rm -f "$tmp/sink.out" # an earlier receiver's word must not be taken for this one's
	export LFSPOOL_LANGFUSE_PUBLIC_KEY=test-public LFSPOOL_LANGFUSE_SECRET_KEY=test-secret-value
	"$LFSPOOL" sink --profile "$profile" --for 3600 --out "$tmp/observations.jsonl" "$@" >"$tmp/sink.out" 2>"$tmp/sink.err" &
	sink_pid=$!
	n=0
	until grep -q listening "$tmp/sink.out" 2>/dev/null; do
		n=$((n + 1)); [ $n -lt 600 ] || fail "the sink does not start: $(cat "$tmp/sink.err")"
		kill -0 "$sink_pid" 2>/dev/null || fail "the sink ended: $(cat "$tmp/sink.err")"
		sleep 0.05
	done
	sink_url=$(sed -n 's/^listening on //p' "$tmp/sink.out")
	export LFSPOOL_LANGFUSE_HOST="$sink_url"
}
stop_sink() {
	kill "$sink_pid" 2>/dev/null; wait "$sink_pid" 2>/dev/null
	sink_pid=''
}
daemon_preload='' # NAME=VALUE words for the daemon's environment alone
start_daemon() {
	# shellcheck disable=SC2086
	env $daemon_preload "$LFSPOOL" run >>"$tmp/daemon.out" 2>>"$tmp/daemon.err" &
	daemon_pid=$!
	n=0
	until [ "$("$LFSPOOL" status --json 2>/dev/null | jq -r .pid 2>/dev/null)" = "$daemon_pid" ]; do
		n=$((n + 1)); [ $n -lt 600 ] || fail "the daemon does not start: $(cat "$tmp/daemon.err")"
		kill -0 "$daemon_pid" 2>/dev/null || fail "the daemon ended: $(cat "$tmp/daemon.err")"
		sleep 0.05
	done
}
stop_daemon() {
	kill -TERM "$daemon_pid" 2>/dev/null; wait "$daemon_pid"
	status=$?
	daemon_pid=''
	return $status
}
# fixture SCENARIO FILE: the path of a fixture, unpacked or filled in when it must be
fixture() {
	if [ "$1" = secrets ]; then
		[ -d "$tmp/secrets" ] || sh "$fixtures/secrets/fill.sh" "$tmp/secrets" >/dev/null
		[ -f "$tmp/secrets/$2" ] && echo "$tmp/secrets/$2"
	elif [ -f "$fixtures/$1/$2" ]; then
		echo "$fixtures/$1/$2"
	elif [ -f "$fixtures/$1/$2.gz" ]; then
		mkdir -p "$tmp/fixture/$1"
		gzip -dc "$fixtures/$1/$2.gz" >"$tmp/fixture/$1/$2"
		echo "$tmp/fixture/$1/$2"
	else
		return 1
	fi
}
