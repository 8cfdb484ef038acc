#!/bin/sh
# An independent judge: secretlint with its recommended rules finds plenty in what goes in, and nothing in the records.
. "${srcdir:-.}/tests/t/lib.sh"
version=10.2.2
have jq || skip "no jq"
have npm && have node || skip "no npm"
cache=${builddir:-$tmp}/tests/npm-secretlint-$version
if [ ! -x "$cache/node_modules/.bin/secretlint" ]; then
	mkdir -p "$cache"
	(cd "$cache" && echo '{"private":true}' >package.json && npm install --no-audit --no-fund --silent --prefer-offline --fetch-retries=1 \
		"secretlint@$version" "@secretlint/secretlint-rule-preset-recommend@$version") >"$tmp/npm" 2>&1 || skip "npm cannot install secretlint: $(tail -1 "$tmp/npm")"
fi
printf '{"rules":[{"id":"@secretlint/secretlint-rule-preset-recommend"}]}\n' >"$tmp/secretlintrc.json"
findings() { # FILE: how many
	(cd "$tmp" && "$cache/node_modules/.bin/secretlint" --secretlintrc "$tmp/secretlintrc.json" --format json "$1") >"$tmp/found" 2>"$tmp/err"
	jq '[.[].messages[]] | length' "$tmp/found" 2>/dev/null || fail "secretlint: $(head -3 "$tmp/err")"
}
cat "$(fixture secrets sse.jsonl)" "$(fixture secrets plugin.jsonl)" >"$tmp/in.jsonl"
for scenario in tools errctx files subagent permission; do
	jq -c -f "${srcdir:-.}/tests/t/places.jq" "$fixtures/$scenario/sse.jsonl" >>"$tmp/in.jsonl"
done
before=$(findings in.jsonl)
[ "$before" -ge 20 ] || fail "secretlint finds only $before secrets in what goes in"
exits 0 "$LFSPOOL" ingest "$tmp/in.jsonl"
"$LFSPOOL" export >"$tmp/out.jsonl"
[ "$(wc -l <"$tmp/out.jsonl")" -gt 100 ] || fail "hardly any record"
after=$(findings out.jsonl)
[ "$after" = 0 ] || fail "secretlint finds $after secrets: $(jq -c '[.[].messages[] | {ruleId, message, range}] | .[0:3]' "$tmp/found" | tr -d '\n')"
printf 'secretlint %s: %s findings before, 0 in the records\n' "$version" "$before"
exit 0
