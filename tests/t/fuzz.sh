#!/bin/sh
# Every parser's target over its corpus: what fuzzers found (tests/fuzz/corpus), and the recordings in the form that the target reads.
# FUZZ_TARGETS narrows it down. FUZZ_SEEDS=FOLDER leaves the inputs there, for a fuzzer to begin with (tests/fuzz/run).
. "${srcdir:-.}/tests/t/lib.sh"
targets=${builddir:-.}/tests/fuzz
[ -x "$targets/fuzz_json" ] || skip "no fuzz targets"
seeds=${FUZZ_SEEDS:-$tmp/seeds}
unset MALLOC_PERTURB_

# put OCTAL... : these bytes, then standard input, as the next input
put() {
	n=$(ls "$seeds/$target" | wc -l) # a variable of this shell would not be seen by the next: each has its own behind a pipe
	{ for byte in "$@"; do printf "\\$byte"; done; cat; } >"$seeds/$target/$n"
}
lines() { # FILE COUNT OCTAL...: each of the first lines is one
	file=$1 count=$2; shift 2
	head -n "$count" "$file" >"$tmp/lines"
	while IFS= read -r line; do printf '%s' "$line" | put "$@"; done <"$tmp/lines"
}
files() { # OCTAL... --- FILE...: each is one
	bytes=''
	while [ "$1" != --- ]; do bytes="$bytes $1"; shift; done
	shift
	for file; do put $bytes <"$file"; done
}
json_files="$(find "$srcdir/tests/fixtures/json" -name '*.json')"

seeds_answer() {
	for status in 000 002 005 014; do # 200, 207, 401, 429
		for who in 001 000 002 004; do
			printf '120\n{"successes":[{"id":"0000000000000000-1","status":201}],"errors":[{"id":"0000000000000001-1","status":400,"message":"bad"}]}' | put $who $status
			printf 'Wed, 21 Oct 2026 07:28:00 GMT\n{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}' | put $who $status
			printf '14\n\n\006\010\003\022\002no' | put $who $status
			printf 'authorization=Basic%%20a,x-b=2\n{"a":"b","c":"d"}' | put $who $status
		done
	done
}
seeds_claude() { find "$srcdir/tests/fixtures/claude" -name '*.jsonl' | while read -r f; do put 003 <"$f"; done; }
seeds_conf() {
	files --- "$srcdir/contrib/lfspool.conf.example" "$srcdir"/contrib/backends/*.conf
	"$LFSPOOL" config >"$tmp/shown" 2>/dev/null && put <"$tmp/shown"
	printf 'mode=metadata_only\nbackoff_max=5m\nsample_rate=0.25\nsources=opencode, claude\nlangfuse_host=https://a.example/\n' | put
}
seeds_database() {
	gzip -dc "$srcdir/tests/fixtures/opencode-db/opencode.db.gz" | put 002
	for scenario in plain tools revert v2session; do # as events, messages and parts
		jq -r '.properties // .data | (.info // .part // .) | tojson' "$(fixture $scenario sse.jsonl)" |
			awk 'BEGIN { print "30{}\n41000" } { print (/"role"/ ? 0 : /"messageID"/ ? 1 : NR % 2 ? 2 : 5) "0" $0 }' | put 001
		jq -c . "$(fixture $scenario sse.jsonl)" | awk 'BEGIN { print "30{}\n419" } NR < 60 { print "20" $0 }' | put 001
	done
}
seeds_http() {
	page='{"data":[{"id":"a","traceId":"b","type":"SPAN","name":"n","level":"DEFAULT","startTime":"2026-11-21T05:13:25.133Z","usageDetails":{"input":1},"totalCost":0.1}],"meta":{"cursor":"x","totalPages":2}}'
	for call in 000 001 002 003; do
		for status in '200 OK' '207 Multi-Status' '429 Too Many' '302 Found' '503 Away'; do
			printf 'HTTP/1.1 %s\r\nContent-Type: application/json\r\nRetry-After: 7\r\nDate: Sat, 21 Nov 2026 05:13:25 GMT\r\nX-Next-Cursor: q\r\nContent-Length: %d\r\n\r\n%s' \
				"$status" ${#page} "$page" | put $call
		done
		printf 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-protobuf\r\n\r\n4\r\n\012\002\010\003\r\n0\r\n\r\n' | put $call
		printf 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n' | { cat; printf '{"version":"3.63.0"}' | gzip -nc; } | put $call
		printf 'HTTP/1.1 200 OK\r\n folded: before there is a header\r\nContent-Length: 0\r\n\r\n' | put $call # a pointer lingers in old libcurls
		printf 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"version":"3.63.0"}' | put $call
	done
}
seeds_ingest() {
	for scenario in plain tools subagent v2session revert; do files 037 377 --- "$(fixture $scenario sse.jsonl)"; done
	files 017 --- "$fixtures"/*/export.json "$fixtures/tui/plugin.jsonl" "$fixtures/runjson/run.jsonl"
}
seeds_json() { files --- $json_files; }
requests() { # PROFILE: the bodies that a session is sent with
	start_sink "$1" --requests "$tmp/requests-$1"
	"$LFSPOOL" ingest --set spool_dir="$tmp/spool-$1" "$(fixture tools sse.jsonl)" >/dev/null 2>&1
	"$LFSPOOL" flush --set spool_dir="$tmp/spool-$1" --set stale_after=0s >/dev/null 2>&1
	stop_sink
	find "$tmp/requests-$1" -type f >"$tmp/list"
	while read -r f; do put 000 <"$f"; put 001 <"$f"; done <"$tmp/list"
}
seeds_otlp() { requests v3; requests v2; }
seeds_receiver() {
	for form in 001 002 003 004; do
		for where in 000 001 002 003 004 005 200 203; do printf '{"batch":[],"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000001","name":"a"}]}]}]}' | put $form $where; done
		printf 'none' | put $form 006
		for where in 007 010 011 012 013; do printf '' | put $form $where; done
	done
	printf 'POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\nffffffff\r\n' | put 000 000
	printf 'GET / HTTP/1.0\r\nHost: elsewhere\r\n\r\n' | put 000 000
}
seeds_redact() { lines "$(fixture tools sse.jsonl)" 20; }
seeds_request() {
	for cmd in ping status metrics purge dead flush ingest events backfill nonsense; do
		printf '{"cmd":"%s","since_ms":1000,"source":"opencode","session":"ses_1","older_than_ms":-1,"dry_run":true,"id":7,"do":"retry","timeout_ms":1,"openmetrics":true,"name":"x"}\n{"cmd":"%s"}' \
			$cmd $cmd | put
	done
}
seeds_sse() { for scenario in plain tools; do sed 's/^/data: /; s/$/\n/' "$(fixture $scenario sse.jsonl)" | head -40 | put; done; printf ':c\r\nevent: x\rdata:a\ndata: b\n\nid: 1\n' | put; }
seeds_time() { for text in 2026-11-21T05:13:25.133Z 2026-11-21 30d 4h 90s 1w 2024-02-29T23:59:60+14:00 0001-01-01T00:00:00Z 9999-12-31T23:59:59.999999999-12:00 99999999999999999999d 1.5h; do printf '%s' "$text" | put; done; }

have jq || skip "no jq"
for path in "$targets"/fuzz_*; do
	target=${path##*/fuzz_}
	case $target in *.*) continue ;; esac
	[ -z "${FUZZ_TARGETS:-}" ] || case " $FUZZ_TARGETS " in *" $target "*) ;; *) continue ;; esac
	mkdir -p "$seeds/$target"
	"seeds_$target"
	[ -n "$(ls "$seeds/$target")" ] || fail "no seeds for $target"
	corpus=$srcdir/tests/fuzz/corpus/$target.hex
	[ -s "$corpus" ] || fail "no corpus for $target"
	TMPDIR=$tmp "$path" "$corpus" "$seeds/$target"/* >"$tmp/out" 2>&1 || fail "$target: $(tail -25 "$tmp/out")"
	echo "$target: $(tail -1 "$tmp/out")"
done
exit 0
