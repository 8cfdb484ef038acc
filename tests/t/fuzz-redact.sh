#!/bin/sh
# What the redaction fuzzer demands holds for the fixtures, whole and in pieces: shape, cleaning twice, a planted secret.
. "${srcdir:-.}/tests/t/lib.sh"
target=${builddir:-.}/tests/fuzz/fuzz_redact
[ -x "$target" ] || skip "no fuzz target"
mkdir "$tmp/seeds"
split -l 25 "$srcdir/tests/fixtures/redact/harmless.txt" "$tmp/seeds/text-"
i=0
for scenario in plain tools permission; do
	head -n 60 "$fixtures/$scenario/sse.jsonl" >"$tmp/lines"
	while read -r line; do i=$((i + 1)); printf '%s' "$line" >"$tmp/seeds/json-$i"; done <"$tmp/lines"
done
"$target" "$tmp"/seeds/* "$srcdir"/tests/fixtures/json/*.json >"$tmp/out" 2>&1 || fail "$(tail -5 "$tmp/out")"
exit 0
