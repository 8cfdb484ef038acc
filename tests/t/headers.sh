#!/bin/sh
# Each header compiles alone.
cd "${srcdir:-.}" || exit 1
bad=0
for h in src/*/*.h src/*/*/*.h redact/*.h spool/*.h; do
	printf '#include "%s"\n' "${h#src/}" | ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Isrc -Iredact -Ispool -I. -fsyntax-only -x c - 2>/dev/null ||
		{ printf 'not ok: %s does not compile alone\n' "$h" >&2; bad=1; }
done
exit $bad
