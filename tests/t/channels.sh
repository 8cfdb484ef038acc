#!/bin/sh
# The same session through the event stream, the global stream, the plugin's log, `opencode export` and the REST list gives the
# same span ids and the same bytes; ingested twice it sends nothing twice.
. "${srcdir:-.}/tests/t/lib.sh"
live_only='"name":"\(retry\|permission\|question\|error\)"' # known to the live stream alone

ids_of() { # of all sessions in a fixture's export files
	for n in '' .1 .2; do e=$(fixture "$1" "export$n.json") && jq -r .info.id "$e"; done
}
observations() { # SCENARIO FILE...: sorted, without what only a live stream knows
	scenario=$1; shift
	rm -rf "$tmp/spool"
	inputs=
	for f in "$@"; do inputs="$inputs $(fixture "$scenario" "$f")"; done
	# shellcheck disable=SC2086
	"$LFSPOOL" ingest $inputs >"$tmp/out" 2>&1 || fail "ingest $inputs: $(cat "$tmp/out")"
	# closes what only the live stream calls idle
	"$LFSPOOL" flush --set stale_after=0s >"$tmp/out" 2>&1 || fail "flush $inputs: $(cat "$tmp/out")"
	for id in $(ids_of "$scenario"); do "$LFSPOOL" show "$id" --json; done | grep -v -e "$live_only" | sort -u
}
same() { # SCENARIO WHAT FILE...
	scenario=$1 what=$2; shift 2
	observations "$scenario" "$@" >"$tmp/other"
	[ -s "$tmp/other" ] || fail "$scenario through $what gives nothing"
	cmp -s "$tmp/stream" "$tmp/other" || fail "$scenario: $what differs from the stream: $(diff "$tmp/stream" "$tmp/other" | cut -c1-1500 | head -4)"
}
have jq || skip "no jq"
start_sink v3
for scenario in plain reasoning tools subagent compaction badtool err401 files unicode gitcommit lifecycle fork structured queued; do
	observations "$scenario" sse.jsonl >"$tmp/stream"
	[ -s "$tmp/stream" ] || fail "$scenario gives nothing"
	set --; rest=
	for n in '' .1 .2; do
		fixture "$scenario" "export$n.json" >/dev/null && set -- "$@" "export$n.json"
		fixture "$scenario" "messages$n.json" >/dev/null && rest="$rest session$n.json messages$n.json"
	done
	same "$scenario" "export" "$@"
	# the REST list of a session with a JSON schema is a 400 in the recorded version
	# shellcheck disable=SC2086
	[ "$scenario" = structured ] || same "$scenario" "the REST list" $rest
	fixture "$scenario" global.jsonl >/dev/null && same "$scenario" "the global stream" global.jsonl
	fixture "$scenario" plugin.jsonl >/dev/null && same "$scenario" "the plugin's log" plugin.jsonl
	same "$scenario" "everything at once" "$@" sse.jsonl
done

stop_sink

# The bytes of the requests, too.
for channel in sse.jsonl export.json "session.json messages.json"; do
	rm -rf "$tmp/spool" "$tmp/requests"
	mkdir "$tmp/requests"
	start_sink v4 --requests "$tmp/requests"
	inputs=
	for f in $channel; do inputs="$inputs $(fixture tools "$f")"; done
	# shellcheck disable=SC2086
	exits 0 "$LFSPOOL" ingest $inputs
	exits 0 "$LFSPOOL" flush
	n=$(find "$tmp/requests" -type f | wc -l)
	# twice: nothing new is stored, nothing is sent
	# shellcheck disable=SC2086
	exits 0 "$LFSPOOL" ingest --json $inputs
	expect 0 "$(jq .stored "$tmp/out")" "records stored the second time ($channel)"
	exits 0 "$LFSPOOL" flush
	stop_sink
	expect "$n" "$(find "$tmp/requests" -type f | wc -l)" "requests after the second time ($channel)"
	find "$tmp/requests" -name '*.pb' | sort | xargs cat | cksum >>"$tmp/sums"
done
expect 1 "$(sort -u "$tmp/sums" | wc -l)" "different request bytes through the channels"
exit 0
