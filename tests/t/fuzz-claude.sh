#!/bin/sh
# What the fuzzer of transcripts demands holds for the samples and for random sessions, cut at many lines, and damaged.
. "${srcdir:-.}/tests/t/lib.sh"
target=${builddir:-.}/tests/fuzz/fuzz_claude transcripts=${builddir:-.}/tests/claude/transcripts
[ -x "$target" ] || skip "no fuzz target"
seed=${CLAUDE_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
echo "seed $seed"
"$transcripts" make "$tmp/made" "$seed" 6 8000 || fail "no transcripts"
mkdir "$tmp/seeds"
i=0
find "$tmp/made" "$srcdir/tests/fixtures/claude" -name '*.jsonl' | sort | while read -r f; do
	for cut in 001 002 005 013 040 377; do # octal
		i=$((i + 1))
		{ printf "\\$cut"; cat "$f"; } >"$tmp/seeds/$i"
		# damaged: lines missing, doubled, in another order, cut, with other types
		{ printf "\\$cut"; awk -v seed="$((seed + i))" 'BEGIN { srand(seed) }
			{ r = rand() }
			r < .05 { next }
			r < .10 { print }
			r < .15 { held = $0; next }
			r < .20 { $0 = substr($0, 1, length($0) * rand()) }
			r < .25 { gsub(/"(uuid|parentUuid|id|tool_use_id|sessionId)":"[^"]*"/, "\"uuid\":7") }
			r < .30 { gsub(/"content":\[/, "\"content\":[[],7,null,{},") }
			r < .35 { gsub(/:"[^"]*"/, ":null") }
			{ print } held { print held; held = "" }' "$f"; } >"$tmp/seeds/$i.damaged"
	done
done
"$target" "$tmp"/seeds/* >"$tmp/out" 2>&1 || fail "seed $seed: $(tail -5 "$tmp/out")"
exit 0
