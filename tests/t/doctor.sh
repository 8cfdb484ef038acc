#!/bin/sh
# doctor finds each misconfiguration, says which check, and how to mend it; all well is said too.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
finds() { # STATUS LEVEL CHECK PATTERN
	"$LFSPOOL" doctor --json >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ "$got" = "$1" ] || fail "exit $got instead of $1 for $3: $(cat "$tmp/out" "$tmp/err")"
	jq -e --arg l "$2" --arg c "$3" --arg p "$4" 'any(.[]; .level == $l and .check == $c and (.found | test($p)) and ($l == "ok" or $l == "note" or (.mend | length > 0)))' \
		"$tmp/out" >/dev/null || fail "does not find '$4' ($2 $3) but $(jq -c '.[] | select(.level != "ok")' "$tmp/out")"
}
export LFSPOOL_CONNECT_TIMEOUT=2s LFSPOOL_REQUEST_TIMEOUT=4s
unset OTEL_EXPORTER_OTLP_ENDPOINT
public=test-public secret=test-secret-value

finds 1 bad keys 'are not set'
finds 1 bad host 'not set'
finds 1 warning daemon 'no daemon'
finds 1 note spool 'not there yet'
for profile in v4 v3 v2; do
	start_sink "$profile"
	export LFSPOOL_LANGFUSE_PUBLIC_KEY=$public LFSPOOL_LANGFUSE_SECRET_KEY=$secret
	case $profile in
	v4) finds 0 ok server 'Langfuse 4' ;;
	v3) finds 0 note server 'January 2027' ;;
	v2) finds 0 warning server 'version 2 gets no updates' ;;
	esac
	finds 0 ok login 'project'
	[ "$profile" = v4 ] && LFSPOOL_API=ingestion finds 1 bad server 'refuses'
	[ "$profile" = v2 ] && LFSPOOL_API=otlp finds 1 bad server 'does not take'
	[ "$profile" = v4 ] || stop_sink
	[ "$profile" = v4 ] && { v4_pid=$sink_pid; v4_url=$sink_url; sink_pid=''; }
done
sink_pid=$v4_pid; export LFSPOOL_LANGFUSE_HOST=$v4_url

LFSPOOL_LANGFUSE_PUBLIC_KEY=sk-lf-x LFSPOOL_LANGFUSE_SECRET_KEY=pk-lf-x finds 1 bad keys "each other's place"
finds 0 note keys 'do not begin'
LFSPOOL_LANGFUSE_HOST=$v4_url/api/public/otel finds 1 bad host 'is a page'
LFSPOOL_LANGFUSE_HOST=http://langfuse.invalid finds 1 warning host 'can be read on the way'
LFSPOOL_LANGFUSE_HOST=http://langfuse.invalid finds 1 bad server 'no answer'
LFSPOOL_LANGFUSE_HOST=http://127.0.0.1:1 finds 1 bad server 'no answer'
LFSPOOL_ENVIRONMENT=Prod.X finds 0 warning environment 'goes out as'
LFSPOOL_MODE=off finds 0 warning redaction 'mode is off'
LFSPOOL_REDACT_PATTERNS='([a' finds 1 bad redaction 'redact_patterns, line 1'
LFSPOOL_ENABLED=false finds 0 warning redaction 'enabled is false'
OTEL_EXPORTER_OTLP_ENDPOINT=http://x finds 0 warning exporters 'unredacted'
LFSPOOL_OTLP_ENDPOINT=http://127.0.0.1:4317 finds 0 warning metrics 'usual for the other protocol'
mkdir -p "$XDG_CONFIG_HOME/opencode"
echo '{"plugin":["opencode-langfuse-exporter"]}' >"$XDG_CONFIG_HOME/opencode/opencode.json"
finds 0 warning exporters 'arrives twice'
rm "$XDG_CONFIG_HOME/opencode/opencode.json"

fault() { curl -s -o /dev/null -X POST --data "$1" "$v4_url/sink/fault"; }
have curl && {
	fault 'skip-health,status=401'; finds 1 bad login 'does not know these keys'
	fault 'skip-health,status=403'; finds 1 bad login 'may not'
	fault 'status=302'; finds 1 bad server 'leads elsewhere'
	fault 'status=503'; finds 0 warning server 'not well'
	fault 'status=404'; finds 1 bad server 'no Langfuse'
	fault ''
}
finds 0 ok server 'Langfuse 4'

mkdir -p "$XDG_CONFIG_HOME/lfspool"
printf '[lfspool]\nlangfuse_secret_key = %s\n' "$secret" >"$XDG_CONFIG_HOME/lfspool/lfspool.conf"
unset LFSPOOL_LANGFUSE_SECRET_KEY
chmod 600 "$XDG_CONFIG_HOME/lfspool/lfspool.conf"
finds 0 ok config 'yours alone'
chmod 644 "$XDG_CONFIG_HOME/lfspool/lfspool.conf"
"$LFSPOOL" doctor --json >"$tmp/out" 2>"$tmp/err" && fail "a readable secret key is fine?"
cat "$tmp/out" "$tmp/err" | grep -q 'others' || fail "a readable secret key is not named: $(cat "$tmp/out" "$tmp/err")"
chmod 600 "$XDG_CONFIG_HOME/lfspool/lfspool.conf"
echo 'a-secret-value-of-mine' >"$tmp/deny"; chmod 644 "$tmp/deny"
LFSPOOL_REDACT_DENY=$tmp/deny finds 1 bad redaction 'others may read it'

exits 0 "$LFSPOOL" ingest "$fixtures/plain/sse.jsonl"
finds 0 ok spool 'is whole'
chmod 755 "$tmp/spool"; finds 1 bad spool 'others may look'; chmod 700 "$tmp/spool"
finds 0 ok backlog 'no dead letters'
head -c 17000000 /dev/zero | tr '\0' a >"$tmp/huge"
"$LFSPOOL" ingest "$tmp/huge" >/dev/null 2>&1
finds 0 warning backlog '1 dead letters'
start_daemon
finds 0 ok daemon 'runs'
finds 0 note sources 'there is no database'
finds 0 note plugin 'without the plugin'
mkdir -p "$XDG_CONFIG_HOME/opencode"
echo '{"plugin":["file:///usr/share/lfspool/opencode-plugin/lfspool.js"]}' >"$XDG_CONFIG_HOME/opencode/opencode.json"
finds 0 ok plugin 'names the plugin'
exits 0 "$LFSPOOL" doctor
tail -1 "$tmp/out" | grep -q '^0 bad' || fail "the last line is $(tail -1 "$tmp/out")"
grep -q -F "$secret" "$tmp/out" && fail "the secret key is shown"
stop_daemon
exit 0
