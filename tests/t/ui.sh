#!/bin/sh
# The receiver's page in a real browser: what is shown is what was received, and what a session says stays text.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
have curl || skip "no curl"

# Who may ask at all: no browser is needed for that.
start_sink v4
status() { curl -s -o "$tmp/body" -w '%{http_code}' "$@"; }
port=${sink_url##*:}
expect 404 "$(status "$sink_url/")" "the page without --ui"
expect 404 "$(status "$sink_url/sink/ui/spans")" "its data without --ui"
stop_sink
start_sink v4 --ui
port=${sink_url##*:}
grep -q "^look at it: http://127.0.0.1:$port/$" "$tmp/sink.out" || fail "the address is not said: $(cat "$tmp/sink.out")"
expect 200 "$(status "$sink_url/")" "the page"
for host in 127.0.0.1 "127.0.0.1:$port" localhost "localhost:$port" "LOCALHOST:1" "[::1]:$port" 127.8.9.1; do
	expect 200 "$(status -H "Host: $host" "$sink_url/sink/ui/spans")" "host $host"
done
for host in evil.example "evil.example:$port" 127.0.0.1.evil.example 127.evil.example "localhost.evil.example:$port" 10.0.0.1 "" "evil.example:127.0.0.1" "127.0.0.1:x"; do
	expect 403 "$(status -H "Host;" -H "Host: $host" "$sink_url/sink/ui/spans")" "host '$host'"
	expect 403 "$(status -H "Host;" -H "Host: $host" -u test-public:test-secret-value "$sink_url/api/public/projects")" "the API by host '$host'"
done
for site in cross-site same-site; do
	expect 403 "$(status -H "Sec-Fetch-Site: $site" -d hang "$sink_url/sink/fault")" "$site"
done
expect 404 "$(status "$sink_url/sink/ui/span?i=0")" "a span that is not there"

. "$srcdir/tests/ui/install.sh"
evil=$(printf '%b' '<script>window.pwned=1</script><img src=x onerror="window.pwned=2">\0342\0200\0256pwned\0342\0200\0217')
jq -c --arg t "$evil" '(.. | objects | select(has("title")) | .title) |= $t | (.. | objects | select(.type? == "text" and has("text")) | .text) |= . + $t
	| (.. | strings) |= gsub("ses_e0"; "ses_ee")' "$(fixture plain sse.jsonl)" >"$tmp/evil.jsonl"
exits 0 "$LFSPOOL" ingest "$(fixture subagent sse.jsonl)" "$(fixture secrets sse.jsonl)" "$(fixture err500 sse.jsonl)" "$tmp/evil.jsonl"
exits 0 "$LFSPOOL" flush --set stale_after=0s
[ "$(jq -s 'map(select(.title | test("pwned"))) | length' "$tmp/observations.jsonl")" -gt 2 ] || fail "the hostile session is not there"
jq '. + {title: "Demo: subagent"}' "$(fixture subagent truth.json)" >"$tmp/truth.json"
node "$srcdir/tests/ui/page.mjs" "$sink_url/" "$tmp/observations.jsonl" "$tmp/truth.json" "$evil" >"$tmp/page" 2>&1 || fail "$(head -40 "$tmp/page")"
stop_sink
exit 0
