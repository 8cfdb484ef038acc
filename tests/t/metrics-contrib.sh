#!/bin/sh
# The alerts and the dashboard name metrics that exist, and the alerts fire when they must.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
start_sink v3 --fault 'posts-only,reject-name=tool-glob'
for s in tools subagent gitcommit err500 err400; do exits 0 "$LFSPOOL" ingest "$(fixture $s sse.jsonl)"; done
"$LFSPOOL" flush --set stale_after=0s >"$tmp/flush" 2>&1
stop_sink
"$LFSPOOL" metrics | sed -n 's/^\([a-z][a-zA-Z_]*\).*/\1/p' | sort -u >"$tmp/have"
jq -r '.panels[].targets[].expr' "$srcdir/contrib/grafana/lfspool.json" >"$tmp/exprs" || fail "the dashboard is no JSON"
sed -n 's/^ *expr: //p' "$srcdir/contrib/prometheus/lfspool.rules.yml" >>"$tmp/exprs"
# not in these recordings, but in prometheus.sh: nothing was dropped, secret or tried again, and no daemon runs
grep -oE '\b(opencode|lfspool)_[a-zA-Z_]+' "$tmp/exprs" | grep -vx -e lfspool_dropped_total -e lfspool_redacted_total -e lfspool_retries_total \
	-e lfspool_metrics_overflow_total -e opencode_service_running -e opencode_subtask_count_total | sort -u >"$tmp/named"
[ "$(wc -l <"$tmp/named")" -gt 15 ] || fail "too few names: $(cat "$tmp/named")"
missing=$(comm -23 "$tmp/named" "$tmp/have" | tr '\n' ' ')
[ -z "$missing" ] || fail "no such metric: $missing"
have promtool || { echo "promtool is not installed: the alerts were not tried (package prometheus)"; exit 0; }
cp "$srcdir"/contrib/prometheus/*.yml "$tmp/"
(cd "$tmp" && promtool check rules lfspool.rules.yml && promtool test rules lfspool.rules.test.yml) >"$tmp/promtool" 2>&1 || fail "$(cat "$tmp/promtool")"
sed 's/\$__rate_interval/5m/' "$tmp/exprs" | while read -r expr; do
	printf 'groups: [{ name: x, rules: [{ record: "a:b", expr: %s }] }]\n' "$(printf '%s' "$expr" | jq -R .)" >"$tmp/one.yml"
	promtool check rules "$tmp/one.yml" >"$tmp/promtool" 2>&1 || { echo "$expr: $(cat "$tmp/promtool")"; exit 1; }
done || fail "an expression is wrong"
exit 0
