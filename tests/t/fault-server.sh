#!/bin/sh
# Whatever a server does, at the byte level, over TLS, in its name or its network: nothing is lost, and v4, which keeps
# what comes twice, gets nothing twice. Deeds are those of tests/crash/front and of the receiver's --fault.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
have jq || skip "no jq"
have curl || skip "no curl"
export LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_LOOKUP_DELAY=50ms LFSPOOL_BACKOFF_MAX=50ms LFSPOOL_REQUEST_TIMEOUT=1s LFSPOOL_CONNECT_TIMEOUT=1s
front_pid='' trap_pid='' tls_pid='' session=0
cleanup_more() { for p in $front_pid $trap_pid $tls_pid; do kill -9 "$p" 2>/dev/null; done; }
sink_fault() { curl -s -o /dev/null -X POST --data-binary "$1" "$sink_url/sink/fault"; }
next_session() { # [BYTES of its answer]
	session=$((session + 1))
	if [ $# = 0 ]; then load_file $session; else load_big $session "$1"; fi
	echo $session >>"$tmp/tried.0"
	exits 0 "$LFSPOOL" ingest "$tmp/load/$session.jsonl"
	echo $session >>"$tmp/promised.0"
}
listening() { # FILE PID: its address
	m=0
	until grep -q listening "$1" 2>/dev/null; do m=$((m + 1)); [ $m -lt 400 ] || fail "nobody listens"; kill -0 "$2" || fail "it ended"; sleep 0.02; done
	sed -n 's/^listening on //p' "$1"
}
front() { # DEED: sets front_url
	[ -z "$front_pid" ] || { kill "$front_pid"; wait "$front_pid" 2>/dev/null; }
	rm -f "$tmp/front"
	"$builddir/tests/crash/front" "${sink_url##*:}" "$1" >"$tmp/front" &
	front_pid=$!
	front_url=$(listening "$tmp/front" $front_pid)
}
arrived() { # WHAT: the last session is at the receiver, once
	name=$(printf 'ses_e0379f672ffeswdYB4Dp%06d' $session)
	expect "$load_spans $load_spans" "$(jq -r --arg s "$name" 'select(.own_session == $s) | .span' "$tmp/observations.jsonl" 2>/dev/null | sort | tee "$tmp/spans" | uniq | wc -l) $(wc -l <"$tmp/spans")" "$1: different observations at the receiver, and all"
}
retried() { # WHAT [SET...]: it goes out by itself
	what=$1; shift
	exits 0 "$LFSPOOL" flush --timeout 20 "$@"
	arrived "$what"
}
held() { # WHAT PATTERN [SET...]: it says why, keeps everything, and goes on when it is mended
	what=$1 pattern=$2; shift 2
	exits 75 "$LFSPOOL" flush --timeout 1 "$@"
	says "$pattern"
	expect "$load_spans" "$("$LFSPOOL" status --json | jq '.spool | .pending + .in_flight + .in_doubt')" "$what: kept"
}
start_sink v4 --name langfuse.test

# F29, F30, F32, F42, F43, F44, F36: answers that are spoiled
for deed in garbage-line garbage-line-stored half-line close close-stored truncated empty only-continue continue-first bad-chunk cut-chunk \
	old-http chunked keep-alive giant big-headers bomb loris refuse-twice truncated:3 close-stored:2; do
	next_session
	front $deed
	retried "$deed" --set langfuse_host="$front_url"
	! grep -q expects "$tmp/front" || fail "$deed: a 100-continue was waited for"
done
# F34: Retry-After that cannot be meant; a second that is
for value in -1 soon '' '0' 'Sat, 21 Nov 2020 03:59:23 GMT' '7 seconds'; do
	next_session; front "busy=$value:2"; retried "Retry-After: $value" --set langfuse_host="$front_url"
done
next_session; front "busy=1"
before=$(date +%s%N); retried "Retry-After: 1" --set langfuse_host="$front_url"
[ $((($(date +%s%N) - before) / 1000000)) -ge 1000 ] || fail "Retry-After: 1 was not waited for"
for value in 1000000000 'Sat, 21 Nov 2099 03:59:23 GMT'; do # honoured for an hour at most: that long it waits
	next_session; front "busy=$value:1"
	start_daemon_at=$front_url
	held "Retry-After: $value" 'HTTP 429' --set langfuse_host="$start_daemon_at"
	retried "Retry-After: $value, asked for now" --set langfuse_host="$start_daemon_at"
done
# F39: to another host, which must not even be asked
"$builddir/tests/crash/front" "${sink_url##*:}" close:0 >"$tmp/trap" & trap_pid=$!
trap_url=$(listening "$tmp/trap" $trap_pid)
next_session; front "redirect=$trap_url/api/public/otel/v1/traces:1"
held redirect 'redirects are not followed' --set langfuse_host="$front_url"
grep -q 'with credentials' "$tmp/front" || fail "the front saw no credentials: it cannot see that they went elsewhere"
FRONT_METHOD=GET front "redirect=$trap_url/api/public/health:1"
held "redirect of the health page" 'HTTP 307' --set langfuse_host="$front_url"
! grep -q HTTP "$tmp/trap" || fail "the redirect was followed: $(cat "$tmp/trap")"
retried "redirect, then none"

# F28, F29, F31, F33, F35, F37: what the receiver does by itself
for fault in reset-before:2 reset-after:2 accept-and-die:1 cut-answer:1 garbage:1 hang:1 slow=1500:1 status=408:1 status=425:1 status=429:1 \
	status=500:2 status=502:1 status=503:1 status=504:1 accept-and-die:1,status=500:1,cut-answer:1; do
	next_session; sink_fault "posts-only,$fault"; retried "$fault"
	sink_fault ''
done
for status in 401 403 404 405 301 307 418; do
	next_session; sink_fault "posts-only,status=$status:1"; held "$status" "HTTP $status"; retried "$status, then 200"
done
sink_fault status=503:2; next_session; retried "the health page fails"
next_session 150000; sink_fault max-body=100000; exits 0 "$LFSPOOL" flush --timeout 20 # F33: one alone is too large: it is shrunk
sink_fault ''; arrived "413 down to one"
next_session; held "refused connections" 'onnect' --set langfuse_host=http://127.0.0.1:9; retried "refused, then not"
# F38: one bad observation, alone
next_session; sink_fault reject-name=user-message
exits 0 "$LFSPOOL" flush
sink_fault ''
expect 1 "$("$LFSPOOL" dead list --json | jq -s length)" "dead letters after a 400"
exits 0 "$LFSPOOL" dead retry
retried "a dead letter that is sent again"

# F40: TLS
if have openssl && have socat; then
	certificate() { # NAME CN [DATE]: signed by our own authority
		openssl req -newkey rsa:2048 -nodes -keyout "$tmp/$1.key" -out "$tmp/$1.csr" -subj "/CN=$2" 2>/dev/null
		printf 'subjectAltName=%s\n' "$3" >"$tmp/$1.ext"
		${4:+faketime "$4"} openssl x509 -req -in "$tmp/$1.csr" -CA "$tmp/ca.pem" -CAkey "$tmp/ca.key" -CAcreateserial -days 30 \
			-extfile "$tmp/$1.ext" -out "$tmp/$1.pem" 2>/dev/null || fail "no certificate"
	}
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/ca.key" -out "$tmp/ca.pem" -subj /CN=test-authority -days 3650 2>/dev/null
	certificate good localhost 'DNS:localhost,IP:127.0.0.1'
	certificate other other.example DNS:other.example
	tls() { # CERTIFICATE: sets tls_url
		[ -z "$tls_pid" ] || { kill "$tls_pid"; wait "$tls_pid" 2>/dev/null; }
		rm -f "$tmp/tls"
		socat -d -d "OPENSSL-LISTEN:0,bind=127.0.0.1,cert=$tmp/$1.pem,key=$tmp/$1.key,verify=0,reuseaddr,fork" "TCP:127.0.0.1:${sink_url##*:}" 2>"$tmp/tls" &
		tls_pid=$!
		m=0; until grep -q 'listening on' "$tmp/tls" 2>/dev/null; do m=$((m + 1)); [ $m -lt 400 ] || fail "no TLS server: $(cat "$tmp/tls")"; sleep 0.02; done
		tls_url=https://127.0.0.1:$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$tmp/tls" | head -1)
	}
	tls good
	next_session
	held "an unknown authority" 'ertificate' --set langfuse_host="$tls_url"
	held "a plain URL for a TLS port" '.' --set langfuse_host="http://${tls_url#https://}"
	held "a TLS URL for a plain port" '.' --set langfuse_host="https://${sink_url#http://}"
	retried "TLS" --set langfuse_host="$tls_url" --set ca_file="$tmp/ca.pem"
	next_session
	tls other
	held "another's name" 'ertificate' --set langfuse_host="$tls_url" --set ca_file="$tmp/ca.pem"
	if have faketime; then
		certificate old localhost 'IP:127.0.0.1' '2020-01-01'
		tls old
		held "an expired certificate" 'ertificate' --set langfuse_host="$tls_url" --set ca_file="$tmp/ca.pem"
	fi
	kill "$tls_pid"; wait "$tls_pid" 2>/dev/null
	rm -f "$tmp/tls"
	socat -d -d TCP-LISTEN:0,bind=127.0.0.1,reuseaddr,fork EXEC:'head -c 20',nofork 2>"$tmp/tls" & tls_pid=$!
	m=0; until grep -q 'listening on' "$tmp/tls" 2>/dev/null; do m=$((m + 1)); [ $m -lt 400 ] || fail "no server"; sleep 0.02; done
	held "a handshake that is cut" '.' --set langfuse_host="https://127.0.0.1:$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$tmp/tls" | head -1)"
	retried "TLS mended"
else
	echo "no openssl or socat: TLS is left out" >&2
fi

# F41: a name that is not there yet, then is; the daemon asks anew. And a network that is away.
if unshare -mn true 2>/dev/null; then
	next_session
	exits 75 unshare -n "$LFSPOOL" flush --timeout 1
	retried "the network was away"
	cp /etc/hosts "$tmp/hosts"
	: >"$tmp/resolv"
	LFSPOOL_LANGFUSE_HOST="http://langfuse.test:${sink_url##*:}" unshare -m sh -c \
		"mount --bind '$tmp/hosts' /etc/hosts && mount --bind '$tmp/resolv' /etc/resolv.conf && exec \"\$0\" run" "$LFSPOOL" >/dev/null 2>"$tmp/daemon.err" &
	daemon_pid=$!
	up() { [ "$("$LFSPOOL" status --json 2>/dev/null | jq -r .pid)" = "$daemon_pid" ]; }
	wait_for 20 "a daemon in its own namespace" up
	next_session
	tries() { [ "$("$LFSPOOL" status --json | jq '.sinks[0] | .retries > 0 and (.last_error | test("esolv"))')" = true ]; }
	wait_for 20 "a try to find the name" tries
	echo "127.0.0.1 langfuse.test" >>"$tmp/hosts"
	goes() { [ "$("$LFSPOOL" status --json | jq '.spool | .pending + .in_flight + .in_doubt')" = 0 ]; }
	wait_for 60 "delivery when the name is there" goes
	arrived "a name that came back"
	stop_daemon || fail "the daemon did not stop well"
else
	echo "no namespaces: the name service and the network are left out" >&2
fi
once "all that a server did"
echo "$session sessions, 0 lost, 0 doubled"
stop_sink

# F36 on v2: events that fail one by one
rm -rf "$LFSPOOL_SPOOL_DIR" "$tmp/observations.jsonl"
start_sink v2
next_session; sink_fault per-event-500=2
retried "207 with two that failed"
stop_sink
exit 0
