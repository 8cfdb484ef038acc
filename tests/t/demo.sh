#!/bin/sh
# What a newcomer sees first: nothing lost, nothing doubled, and nothing that looks broken, whenever it is run.
. "${srcdir:-.}/tests/t/lib.sh"
"$LFSPOOL" sink --for 1 >/dev/null 2>&1 || skip "no receiver in this build"
exits 0 "$LFSPOOL" demo
grep -q '16 observations expected, 16 arrived: 0 lost, 0 duplicated' "$tmp/out" || fail "demo: $(cat "$tmp/out")"
grep -q '\$0.0135252' "$tmp/out" || fail "the cost of the whole session: $(cat "$tmp/out")"
! grep -q interrupted "$tmp/out" || fail "something counts as interrupted: $(cat "$tmp/out")"
exit 0
