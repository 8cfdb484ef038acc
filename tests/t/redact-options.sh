#!/bin/sh
# The user's own rules and redact_pii reach the filter; a bad one stops the start and says where it is.
. "${srcdir:-.}/tests/t/lib.sh"
clean() { printf '%s' "$1" | "$LFSPOOL" redact - 2>"$tmp/err"; }

expect 'mail me@example.org from 192.0.2.7' "$(clean 'mail me@example.org from 192.0.2.7')" "personal data by default"
export LFSPOOL_REDACT_PII=email,ip
expect 'mail [REDACTED:email-address] from [REDACTED:ip-address]' "$(clean 'mail me@example.org from 192.0.2.7')" "redact_pii"
export LFSPOOL_REDACT_PII=email,fone
exits 1 "$LFSPOOL" redact "$srcdir/README.md"
says 'redact_pii, column 7: .*"fone"'
unset LFSPOOL_REDACT_PII

export LFSPOOL_REDACT_PATTERNS='EMP-[0-9]{4,6},[,(]x,z\,z'
expect '[REDACTED:user-1] [REDACTED:user-2] [REDACTED:user-2] [REDACTED:user-3]' "$(clean 'EMP-12345 ,x (x z,z')" "a list of patterns"
for command in "redact $srcdir/README.md" run "ingest $fixtures/plain/sse.jsonl"; do
	# shellcheck disable=SC2086
	LFSPOOL_REDACT_PATTERNS='fine,br(oken' exits 1 timeout 60 "$LFSPOOL" $command
	says 'redact_patterns, line 1, column [0-9]*: '
done
unset LFSPOOL_REDACT_PATTERNS

printf '# ours\nID-[0-9]+\nab[z-a]\n' >"$tmp/patterns"
export LFSPOOL_REDACT_PATTERN_FILE="$tmp/patterns"
exits 1 "$LFSPOOL" redact "$srcdir/README.md"
says "$tmp/patterns, line 3, column 6: "
printf '# ours\nID-[0-9]+\n' >"$tmp/patterns"
expect 'see [REDACTED:user-1]' "$(clean 'see ID-77')" "a pattern file"
exit 0
