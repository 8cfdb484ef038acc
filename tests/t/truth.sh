#!/bin/sh
# The table test: every recorded scenario through ingest, redact, spool, assemble, map and ship to a receiver of each
# Langfuse generation gives exactly its truth.json. TRUTH_SCENARIOS and TRUTH_PROFILES narrow it down.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"

#     scenario        the files of its stream, in order
table="
abort           sse.jsonl
aborttool       sse.jsonl
autocompact     sse.jsonl
badtool         sse.jsonl
bigout          sse.jsonl
compaction      sse.jsonl
crash           sse.jsonl
crashcontinue   sse.jsonl sse.after.jsonl
delete          sse.jsonl
dispose         sse.jsonl sse.reconnect.jsonl
empty           sse.jsonl
err400          sse.jsonl
err401          sse.jsonl
err429          sse.jsonl
err500          sse.jsonl
errctx          sse.jsonl
files           sse.jsonl
filter          sse.jsonl
fork            sse.jsonl
gitcommit       sse.jsonl
heartbeat       sse.jsonl
large           sse.jsonl
length          sse.jsonl
lifecycle       sse.jsonl
midstream       sse.jsonl
permalways      sse.jsonl
permission      sse.jsonl
permreject      sse.jsonl
plain           sse.jsonl
question        sse.jsonl
questionreject  sse.jsonl
queued          sse.jsonl
reasoning       sse.jsonl
revert          sse.jsonl
runjson         run.jsonl
secrets         sse.jsonl
structured      sse.jsonl
subagent        sse.jsonl
tools           sse.jsonl
tui             plugin.jsonl
twodirs         sse.jsonl sse.other.jsonl
unicode         sse.jsonl
v2session       sse.jsonl
"
#     profile of the receiver and the API that must be chosen for it
profiles=${TRUTH_PROFILES:-"v4 v3 v2"}
bad=0 done=0

run_one() { # SCENARIO PROFILE FILE...
	scenario=$1 profile=$2; shift 2
	rm -rf "$tmp/spool" "$tmp/observations.jsonl" "$tmp/exports" "$tmp/next"
	: >"$tmp/none"
	: >"$tmp/observations.jsonl"
	inputs='' exports="$tmp/none" next="$tmp/none"
	for f in "$@"; do inputs="$inputs $(fixture "$scenario" "$f")" || fail "$scenario has no $f"; done
	for n in '' .1 .2; do
		e=$(fixture "$scenario" "export$n.json") && cat "$e" >>"$tmp/exports" && exports=$tmp/exports
		e=$(fixture "$scenario" "v2messages$n.json") && cat "$e" >>"$tmp/next" && next=$tmp/next
	done
	start_sink "$profile"
	# shellcheck disable=SC2086
	"$LFSPOOL" ingest $inputs >"$tmp/ingest.out" 2>&1 || { cat "$tmp/ingest.out"; return 1; }
	"$LFSPOOL" flush --set stale_after=0s >"$tmp/flush.out" 2>&1 || { cat "$tmp/flush.out"; return 1; }
	stop_sink
	grep -q ' 0 duplicates, 0 rejected' "$tmp/sink.out" || { cat "$tmp/sink.out"; return 1; }
	jq -n -r --slurpfile obs "$tmp/observations.jsonl" --slurpfile truth "$(fixture "$scenario" truth.json)" --slurpfile exports "$exports" \
		--slurpfile v2 "$next" -f "$srcdir/tests/t/truth.jq" >"$tmp/check.out" 2>&1
	[ ! -s "$tmp/check.out" ] || { cat "$tmp/check.out"; return 1; }
}

for profile in $profiles; do
	while read -r scenario files; do
		[ -n "$scenario" ] || continue
		[ -n "${TRUTH_SCENARIOS:-}" ] && case " $TRUTH_SCENARIOS " in *" $scenario "*) ;; *) continue ;; esac
		# shellcheck disable=SC2086
		if run_one "$scenario" "$profile" $files; then
			done=$((done + 1))
		else
			printf 'not ok: %s in profile %s\n' "$scenario" "$profile"
			bad=$((bad + 1))
			[ -n "$sink_pid" ] && stop_sink
		fi
	done <<EOT
$table
EOT
done
echo "$done of $((done + bad)) combinations of scenario and profile equal the truth"
[ "$bad" = 0 ] && [ "$done" -gt 0 ]
