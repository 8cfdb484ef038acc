#!/bin/sh
# The program is killed at exactly its n-th system call on the spool, for each n, and each of them fails once: what was
# acknowledged stays, what was sent is not sent again. SYSCALL_STEP=1 takes every n of every run.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
have jq || skip "no jq"
instrumented && skip "a sanitizer wants to be loaded first"
faultio=$builddir/tests/crash/faultio.so
step=${SYSCALL_STEP:-12}
export LFSPOOL_LOOKUP_DELAY=20ms LFSPOOL_BACKOFF_MAX=50ms LFSPOOL_FLUSH_INTERVAL=100ms
faulty() { # ASSIGNMENTS... -- COMMAND...: with that fault on the spool; what it printed is in $tmp/out and $tmp/err
	env=''
	while [ "$1" != -- ]; do env="$env $1"; shift; done
	shift
	: >"$tmp/calls"
	# shellcheck disable=SC2086
	( # so that the shell's word about a killed child goes nowhere
		env LD_PRELOAD="$faultio" FAULT_MATCH="$LFSPOOL_SPOOL_DIR" FAULT_LOG="$tmp/calls" $env "$@" >"$tmp/out" 2>"$tmp/err"
		exit $?
	) 2>/dev/null
}
one() { # EXPECTED-RECORDS WHAT: the spool holds the session, once
	exits 0 "$LFSPOOL" export
	expect "$1" "$(wc -l <"$tmp/out")" "$2: records in the spool"
}
calls() { wc -l <"$tmp/calls"; }

# F2: ingest, into a spool that is not there yet; killed before the n-th call, and right after it
n=0
while :; do
	n=$((n + 1 + $(random $step)))
	rm -rf "$LFSPOOL_SPOOL_DIR"
	[ $((n % 2)) = 0 ] && when=before || when=after
	faulty FAULT_AT=$n FAULT_KILL=$when -- "$LFSPOOL" ingest "$load_template" && break
	exits 0 "$LFSPOOL" ingest "$load_template"
	one $load_records "ingest killed $when call $n"
done
[ $n -gt 30 ] || fail "only $n calls were seen"
echo "ingest: killed at calls 1 to $n"

# F2: flush, and the receiver keeps duplicates; unanswered, answered but not yet written down, written down
start_sink v4
n=0 session=0 answered=0
rm -rf "$LFSPOOL_SPOOL_DIR"
while :; do
	n=$((n + 1 + $(random $(((step + 2) / 3)))))
	session=$((session + 1))
	load_file $session
	echo $session >>"$tmp/tried.0"
	exits 0 "$LFSPOOL" ingest "$tmp/load/$session.jsonl"
	echo $session >>"$tmp/promised.0"
	before=$(wc -l <"$tmp/observations.jsonl" 2>/dev/null || echo 0)
	[ $((n % 2)) = 0 ] && when=before || when=after
	faulty FAULT_AT=$n FAULT_KILL=$when -- "$LFSPOOL" flush --timeout 20 && break
	[ "$(wc -l <"$tmp/observations.jsonl")" = "$before" ] || [ "$("$LFSPOOL" status --json | jq '.spool.in_flight')" = 0 ] || answered=$((answered + 1))
	exits 0 "$LFSPOOL" flush --timeout 20
done
[ $answered -gt 0 ] || fail "never killed between the answer and the note of it"
once "flush killed at calls 1 to $n"
echo "flush: killed at calls 1 to $n, $answered times between the answer and its note; $total sessions delivered once"

# The same with many batches: each is sent when it, and what was settled with it, is on the disk. Killed at each call, and each sync fails once.
many_batches() { # WIDTH ASSIGNMENTS...
	width=$1
	shift
	n=0
	while :; do
		n=$((n + 1 + $(random "$width")))
		session=$((session + 1))
		load_file $session
		echo $session >>"$tmp/tried.0"
		exits 0 "$LFSPOOL" ingest "$tmp/load/$session.jsonl"
		echo $session >>"$tmp/promised.0"
		LFSPOOL_BATCH_MAX_KB=10 faulty FAULT_AT=$n "$@" -- "$LFSPOOL" flush --timeout 20
		[ "$(calls)" -ge $n ] || break
	done
	exits 0 "$LFSPOOL" flush --timeout 20
	once "many batches, $* at calls 1 to $n"
	echo "many batches: $* at calls 1 to $n; $total sessions delivered once"
}
many_batches $((step * 3)) FAULT_KILL=after
many_batches 1 FAULT_CALLS=fdatasync
many_batches 2 FAULT_CALLS=fdatasync FAULT_MODE=sticky

# F2 with a receiver that fails as well
for fault in accept-and-die:1 cut-answer:1 reset-after:1; do
	n=0
	while :; do
		n=$((n + 1 + $(random $((step * 3)))))
		session=$((session + 1))
		load_file $session
		echo $session >>"$tmp/tried.0"
		exits 0 "$LFSPOOL" ingest "$tmp/load/$session.jsonl"
		echo $session >>"$tmp/promised.0"
		curl -s -o /dev/null -X POST -d "posts-only,$fault" "$sink_url/sink/fault"
		faulty FAULT_AT=$n FAULT_KILL=before -- "$LFSPOOL" flush --timeout 20 && break
	done
	curl -s -o /dev/null -X POST -d '' "$sink_url/sink/fault"
	once "flush killed at calls 1 to $n, $fault"
done
stop_sink

# F13, F14, F15, F16, F18: each write fails once, each sync once; short writes. Only a whole store is acknowledged.
rm -rf "$LFSPOOL_SPOOL_DIR"
exits 0 "$LFSPOOL" ingest "$fixtures/tools/sse.jsonl"
exits 0 "$LFSPOOL" export
before=$(wc -l <"$tmp/out")
cp -r "$LFSPOOL_SPOOL_DIR" "$tmp/before"
input=$load_template records=$load_records
each_fails() { # CALLS ERRNO WANTED-STATUS [ASSIGNMENT]
	n=0
	while :; do
		n=$((n + 1 + $(random $step)))
		rm -rf "$LFSPOOL_SPOOL_DIR"
		cp -r "$tmp/before" "$LFSPOOL_SPOOL_DIR"
		faulty FAULT_CALLS="$1" FAULT_ERRNO="$2" FAULT_AT=$n $4 -- "$LFSPOOL" ingest "$input"
		got=$?
		made=$(calls)
		if [ $got != 0 ]; then
			[ $got = "$3" ] || fail "$2 at $1 $n: exit $got instead of $3: $(cat "$tmp/err")"
			exits 0 "$LFSPOOL" ingest "$input"
		fi
		one $((before + records)) "ingest with $2 at $1 $n, exit $got"
		[ "$made" -ge $n ] || break
	done
	echo "ingest: $2 at $1 1 to $n $4"
}
each_fails write,pwrite ENOSPC 75 ''
each_fails write,pwrite EDQUOT 75 FAULT_MODE=sticky
each_fails write,pwrite,ftruncate,open EROFS 1 FAULT_MODE=sticky
each_fails fsync,fdatasync EIO 1 ''
each_fails fsync,fdatasync EIO 1 FAULT_MODE=sticky
# full batches, which go to the disk while the next is made
for i in $(seq 250); do load_file "$i"; cat "$tmp/load/$i.jsonl"; done >"$tmp/many.jsonl"
input=$tmp/many.jsonl records=$((250 * load_records))
each_fails fsync,fdatasync EIO 1 ''
each_fails fsync,fdatasync EIO 1 FAULT_MODE=sticky
for n in 3 4; do # after those of opening
	rm -rf "$LFSPOOL_SPOOL_DIR"
	cp -r "$tmp/before" "$LFSPOOL_SPOOL_DIR"
	faulty FAULT_MATCH=spool.db-wal FAULT_CALLS=fdatasync FAULT_AT=$n -- "$LFSPOOL" ingest "$input" && fail "the log's sync $n failed, and nobody says so"
	exits 0 "$LFSPOOL" ingest "$input"
	one $((before + records)) "ingest with EIO at the log's sync $n"
done
rm -rf "$LFSPOOL_SPOOL_DIR"
faulty FAULT_SHORT=1 FAULT_MODE=sticky FAULT_CALLS=write,pwrite -- "$LFSPOOL" ingest "$load_template" || fail "short writes: $(cat "$tmp/err")"
one $load_records "short writes"
# F17: a slow disk: groups grow, and nobody is told before it is down there
rm -rf "$LFSPOOL_SPOOL_DIR"
faulty FAULT_DELAY_MS=100 FAULT_MODE=sticky FAULT_CALLS=fsync,fdatasync -- "$LFSPOOL" ingest "$load_template" || fail "a slow disk: $(cat "$tmp/err")"
one $load_records "a slow disk"

# The same under the daemon, while it ships: it opens the spool again by itself, and goes on when the disk does.
rm -rf "$LFSPOOL_SPOOL_DIR" "$tmp"/tried.* "$tmp"/promised.* "$tmp/observations.jsonl"
start_sink v4
broken() { grep -c spool.broken "$tmp/daemon.err"; }
works() { [ "$("$LFSPOOL" status --json 2>/dev/null | jq -r .pid)" = "$daemon_pid" ]; }
disk_fails() { # ASSIGNMENTS...: from now on, until disk_mends
	stop_daemon || fail "the daemon did not stop well"
	daemon_preload="LD_PRELOAD=$faultio FAULT_MATCH=$LFSPOOL_SPOOL_DIR FAULT_GATE=$tmp/gate $*"
	start_daemon
	: >"$tmp/gate"
}
start_daemon
p=0
for fault in 'FAULT_CALLS=fdatasync,fsync FAULT_AT=2 FAULT_MATCH=spool.db-wal' 'FAULT_CALLS=fdatasync,fsync FAULT_MODE=sticky' 'FAULT_CALLS=pwrite FAULT_AT=3 FAULT_MATCH=spool.db-wal' \
	'FAULT_CALLS=fdatasync FAULT_MODE=sticky FAULT_MATCH=spool.db-intake' 'FAULT_SHORT=1 FAULT_MODE=sticky FAULT_CALLS=pwrite'; do
	p=$((p + 1))
	was=$(broken)
	produce $p 5
	# shellcheck disable=SC2086
	disk_fails $fault
	produce $((p + 10)) 5
	rm "$tmp/gate"
	wait_for 20 "the daemon after $fault" works
	produce $((p + 20)) 3
	expect 3 "$(wc -l <"$tmp/promised.$((p + 20))")" "sessions taken after $fault"
	case $fault in
	*SHORT* | *intake*) expect "$was" "$(broken)" "short writes are no failure, and without the intake it goes on as well" ;;
	*) [ "$(broken)" -gt "$was" ] || fail "$fault: the daemon does not say that its spool broke" ;;
	esac
	kept "$fault"
done
stop_daemon || fail "the daemon did not stop well"
once "the disk failed under the daemon"
echo "daemon: $total sessions, $(promised | wc -l) acknowledged at once"
stop_sink
exit 0
