#!/bin/sh
# The program for headers: asked before the first request and when the keys are refused, for five seconds at most; its words win, stay out
# of every log, and while it fails the old ones stay.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/otlp/collector.sh"
otlp_install
export LFSPOOL_SOURCES=none LFSPOOL_STALE_AFTER=0s LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_OTLP_INTERVAL=100ms LFSPOOL_BACKOFF_MAX=100ms LFSPOOL_OTLP_TEMPORALITY=delta
export LFSPOOL_LOG_LEVEL=debug
start_collector
cat >"$tmp/helper" <<EOS
#!/bin/sh
echo ran >>"$tmp/helper.runs"
echo "sesame-words-on-standard-error" >&2
[ -z "\$1" ] || echo "an argument: \$1"
[ -f "$tmp/slow" ] && { sleep 600 & echo \$! >"$tmp/slow.pid"; wait; }
cat "$tmp/words"
EOS
chmod +x "$tmp/helper"
export LFSPOOL_OTLP_HEADERS="authorization=Bearer%20old-key,x-tenant=blue team"
runs() { wc -l <"$tmp/helper.runs"; }
words() { printf '%s\n' "$1" >"$tmp/words.new" && mv "$tmp/words.new" "$tmp/words"; }
taken() { [ "$(otlp_lines "(.answer == {}) and .headers.authorization == \"$1\"")" -gt 0 ]; }
more() { [ "$(wc -l <"$tmp/otlp.jsonl")" -ge "$want_lines" ]; }
some_more() { want_lines=$(($(wc -l <"$tmp/otlp.jsonl") + $1)); wait_for 60 "no more requests" more; }
says_helper() { grep -q "\"helper\":\"[^\"]*$1" "$tmp/daemon.err"; }
begin() { rm -rf "$tmp/spool"; rm -f "$tmp/daemon.err" "$tmp/daemon.out"; : >"$tmp/otlp.jsonl"; : >"$tmp/helper.runs"; }
silent() { # nothing of it may be anywhere
	"$LFSPOOL" status >"$tmp/status" 2>&1; "$LFSPOOL" status --json >>"$tmp/status" 2>&1; "$LFSPOOL" metrics >>"$tmp/status"; "$LFSPOOL" config >>"$tmp/status"
	for word in sesame old-key; do
		! grep -q -a -e "$word" "$tmp/daemon.err" "$tmp/daemon.out" "$tmp/status" "$tmp"/spool/* 2>/dev/null || fail "a key is in a log, in status or in the spool"
	done
}

export OPENCODE_OTLP_HEADERS_HELPER="$tmp/helper"
for protocol in grpc http/protobuf; do
	case $protocol in grpc) port=$otlp_grpc codes='"code":16 "code":7' ;; *) port=$otlp_http codes='"status":401 "status":403' ;; esac
	export LFSPOOL_OTLP_PROTOCOL=$protocol LFSPOOL_OTLP_ENDPOINT=http://127.0.0.1:$port
	begin
	words '{"Authorization":"Bearer sesame-1"}'
	otlp_order '[{"require":{"authorization":"Bearer sesame-1"}}]'
	start_daemon
	wait_for 60 "$protocol: the first request has no key" taken "Bearer sesame-1"
	some_more 3
	expect 0 "$(otlp_lines '.answer != {}')" "$protocol: requests that were refused"
	expect 1 "$(runs)" "$protocol: runs of the helper"
	expect "blue team" "$(head -1 "$tmp/otlp.jsonl" | jq -r '.headers["x-tenant"]')" "$protocol: the other header"
	i=1
	for code in $codes; do # the keys change: one request is refused, and goes out once more
		i=$((i + 1))
		words "{\"authorization\":\"Bearer sesame-$i\"}"
		otlp_order "[{\"require\":{\"authorization\":\"Bearer sesame-$i\"},$code}]"
		wait_for 60 "$protocol: no fresh key after $code" taken "Bearer sesame-$i"
		some_more 2
		expect $i "$(runs)" "$protocol: runs of the helper"
	done
	expect 2 "$(otlp_lines '.answer != {}')" "$protocol: requests that were refused"
	jq -n -e '[inputs | select(.signal)] | . as $all | all(range(length); . as $i | $all[$i].answer == {} or ($all[$i].items == $all[$i + 1].items and $all[$i + 1].answer == {}))' "$tmp/otlp.jsonl" >/dev/null ||
		fail "$protocol: what was refused did not go out again at once"
	# words that are none: the old ones stay, the requests are held
	words 'sesame is no JSON'
	otlp_order '[{"require":{"authorization":"Bearer sesame-9"}}]'
	wait_for 60 "$protocol: bad words are not noticed" says_helper 'no JSON object'
	some_more 2
	expect "Bearer sesame-3" "$(tail -1 "$tmp/otlp.jsonl" | jq -r .headers.authorization)" "$protocol: the key after bad words"
	silent
	words '{"authorization":"Bearer sesame-9"}'
	wait_for 60 "$protocol: good words again" taken "Bearer sesame-9"
	otlp_order '[{"require":null}]'
	stop_daemon || fail "the daemon did not stop well"
	silent
done

# --- programs that fail: without them the other headers go out
fails() { # WORDS
	begin
	start_daemon
	wait_for 60 "nothing arrives: $1" taken "Bearer old-key"
	wait_for 60 "not said: $1" says_helper "$1"
	silent
	stop_daemon || fail "the daemon did not stop well"
}
words '{"authorization":"sesame\u0000"}'; fails 'cannot be sent'
words '{"authorization":7}'; fails 'not all texts'
OPENCODE_OTLP_HEADERS_HELPER=$tmp/nothing fails 'cannot be run'
OPENCODE_OTLP_HEADERS_HELPER=/bin/false fails 'status 1'
OPENCODE_OTLP_HEADERS_HELPER=/usr/bin/yes fails 'too much'
: >"$tmp/slow"; fails 'did not end within 5000 ms'
gone() { # a dead orphan may wait for ever where nobody takes orphans on
	pid=$(cat "$tmp/slow.pid")
	! kill -0 "$pid" 2>/dev/null || grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}
wait_for 60 "what the helper started still runs" gone
# a daemon that stops does not wait for it
begin
rm -f "$tmp/slow.pid"
start_daemon
wait_for 60 "the helper does not run" test -s "$tmp/slow.pid"
kill -TERM "$daemon_pid"
wait "$daemon_pid" || fail "the daemon did not stop well"
daemon_pid=''
wait_for 60 "what the helper started still runs" gone
exit 0
