#!/bin/sh
# What happens to processes: signals at bad moments, no memory, no descriptors, two daemons, clocks that jump, foreign
# things in the spool's place, hundreds of producers, and some that stall.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
races_build && skip "a build for finding races: too slow for the clocks of this test"
have jq || skip "no jq"
export LFSPOOL_FLUSH_INTERVAL=200ms LFSPOOL_LOOKUP_DELAY=300ms LFSPOOL_BACKOFF_MAX=1s LFSPOOL_REQUEST_TIMEOUT=20s
good=$fixtures/tools/sse.jsonl
field() { "$LFSPOOL" status --json 2>/dev/null | jq -r "$1"; }
settled() { [ "$(field '.spool | .delivered > 0 and .pending + .in_flight + .in_doubt == 0')" = true ]; }
fresh() { rm -rf "$LFSPOOL_SPOOL_DIR" "$tmp"/tried.* "$tmp"/promised.* "$tmp/observations.jsonl" "$tmp/daemon.err"; }
whole() { # WHAT: the receiver has what the spool delivered, once
	total=$(field .spool.delivered)
	expect "$total" "$(wc -l <"$tmp/observations.jsonl")" "$1: observations at the receiver"
	expect "$total" "$(jq -r .span "$tmp/observations.jsonl" | sort -u | wc -l)" "$1: different ones"
}

f3_sigterm_while_a_post_hangs() {
	start_sink v4 --fault posts-only,hang:1
	start_daemon
	exits 0 "$LFSPOOL" ingest "$good"
	hangs() { [ "$(field .spool.in_flight)" -gt 0 ]; }
	wait_for 20 "a request that hangs" hangs
	started=$(date +%s)
	stop_daemon || fail "SIGTERM during a hanging request: exit $?"
	[ $(($(date +%s) - started)) -le 5 ] || fail "took more than 5 s to stop"
	exits 0 "$LFSPOOL" flush
	whole F3
	stop_sink
}
f4_stopped_and_continued() { # the request times out meanwhile, as the clock has it
	start_sink v4 --fault posts-only,slow=1500:1
	LFSPOOL_REQUEST_TIMEOUT=1s start_daemon
	exits 0 "$LFSPOOL" ingest "$good"
	hangs() { [ "$(field .spool.in_flight)" -gt 0 ]; }
	wait_for 20 "a request on its way" hangs
	kill -STOP "$daemon_pid"
	sleep "${STOP_SECONDS:-2}"
	kill -CONT "$daemon_pid"
	wait_for 20 "F4: the end" settled
	stop_daemon || fail "the daemon did not stop well"
	whole F4
	stop_sink
}
f5_little_memory() { # in steps down to where it does not start: it works, or fails and says so; a promise holds
	instrumented && return
	n=0 worked=0 refused=0
	for kb in 400000 200000 120000 90000 60000 45000 30000 20000 12000 6000; do
		n=$((n + 1))
		load_file $n
		echo $n >>"$tmp/tried.0"
		(ulimit -v $kb; exec "$LFSPOOL" ingest "$tmp/load/$n.jsonl") >"$tmp/out" 2>"$tmp/err"
		case $? in
		0) echo $n >>"$tmp/promised.0"; worked=$((worked + 1)) ;;
		*) refused=$((refused + 1)); [ -s "$tmp/err" ] || fail "F5: $kb KB: fails and says nothing" ;;
		esac
	done 2>/dev/null
	[ $worked -gt 1 ] || fail "F5: worked only $worked times"
	[ $refused -gt 0 ] || fail "F5: the limit did not bite"
	kept F5
}
# leave FREE: the daemon may open so many descriptors more
leave() {
	left=$1 number=0
	while [ -h "/proc/$daemon_pid/fd/$number" ] || [ $((left -= 1)) -ge 0 ]; do number=$((number + 1)); done
	prlimit --pid "$daemon_pid" --nofile="$number": || fail "F6: no limit"
}
gone() { ! kill -0 "$1" 2>/dev/null; }
f6_few_descriptors() { # callers beyond them wait, or are told to come again; no spinning
	have prlimit || return
	start_sink v4
	LFSPOOL_FLUSH_INTERVAL=1h start_daemon # nothing else in it opens something meanwhile
	exits 0 "$LFSPOOL" ingest "$good"
	mkfifo "$tmp/pipe"
	exec 8<>"$tmp/pipe"
	alone() { [ "$(find "/proc/$daemon_pid/fd" -lname 'socket:*' | wc -l)" = 1 ]; } # with the socket that listens
	being_read() { [ "$(find "/proc/$daemon_pid/fd" -lname "$tmp/pipe" | wc -l)" = 1 ]; }
	# A caller needs two: for its connection, and for its input. With none nobody is taken, with one nobody's input, with two the first's.
	for free in 0 1 2; do
		callers=''
		wait_for 60 "F6: the end of all connections" alone
		leave $free
		for i in 1 2 3 4 5 6; do
			"$LFSPOOL" ingest - <"$tmp/pipe" >/dev/null 2>&1 & callers="$callers $!"
			[ $free != 1 ] || wait_for 60 "F6: one that is turned away" gone $!
			[ $free != 2 ] || wait_for 60 "F6: one that is read" being_read
		done
		idles "$daemon_pid" 1 "F6: $free left"
		waiting=0
		for p in $callers; do
			if kill "$p" 2>/dev/null; then waiting=$((waiting + 1)) code=143; else code=75; fi
			wait "$p" 2>/dev/null
			expect $code $? "F6: the status of a caller when $free are left"
		done
		[ $free = 1 ] || expect 6 $waiting "F6: callers that wait when $free are left"
		[ $free = 2 ] || leave 2
		produce $free 5 # one may still be told to come again: the places come back as the threads of the others end
		taken_at_last() { [ -z "$(unpromised)" ] || { retake; false; }; }
		retake() { for n in $(unpromised); do "$LFSPOOL" ingest "$tmp/load/$n.jsonl" >/dev/null 2>&1 && echo "$n" >>"$tmp/promised.$free"; done; }
		wait_for 60 "F6: sessions taken afterwards" taken_at_last
		leave 40
		kept F6
		exits 0 "$LFSPOOL" status # comes after all that waited
	done
	exec 8>&-
	stop_daemon || fail "the daemon did not stop well"
	once F6
	stop_sink
}
f7_two_daemons() { # the lock is flock's, not that of a number in a file
	start_daemon
	exits 1 timeout 20 "$LFSPOOL" run
	says "$daemon_pid"
	kill -9 "$daemon_pid"; wait "$daemon_pid" 2>/dev/null
	start_daemon # the old number in the lock file does not matter
	echo 1 >"$LFSPOOL_SPOOL_DIR/lfspool.lock"
	exits 1 timeout 20 "$LFSPOOL" run
	exits 0 "$LFSPOOL" ingest "$good"
	stop_daemon || fail "the daemon did not stop well"
	head -c 100 /dev/zero >"$LFSPOOL_SPOOL_DIR/lfspool.lock" # F11: full of NULs
	exits 0 "$LFSPOOL" ingest "$good"
	: >"$LFSPOOL_SPOOL_DIR/lfspool.lock" # F11: nothing in it
	exits 0 "$LFSPOOL" ingest "$good"
}
f8_clocks_jump() {
	library=''
	for l in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1; do [ -f "$l" ] && library=$l; done
	[ -n "$library" ] || { echo "F8: no libfaketime" >&2; return; }
	instrumented && return
	start_sink v4 --fault posts-only,status=503:3
	exits 0 "$LFSPOOL" ingest "$good"
	records=$(field .spool.records)
	echo "+0" >"$tmp/clock"
	daemon_preload="LD_PRELOAD=$library FAKETIME_TIMESTAMP_FILE=$tmp/clock FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1"
	start_daemon
	for jump in +1d +370d -370d @1970-01-02 +0; do # backoff and the wait for a lookup go by the monotonic clock
		case $jump in @*) echo "${jump} 00:00:00" ;; *) echo "$jump" ;; esac >"$tmp/clock"
		sleep 0.5
		kill -0 "$daemon_pid" || fail "F8: the daemon ended at $jump"
	done
	wait_for 20 "F8: delivered although the clock jumped" settled
	expect "$records" "$(field .spool.records)" "F8: records after the jumps"
	stop_daemon || fail "the daemon did not stop well"
	for jump in +370d -370d +0; do # a daemon that starts in another year cleans up in its first round
		echo "$jump" >"$tmp/clock"
		start_daemon
		cleaned() { sqlite3 "$LFSPOOL_SPOOL_DIR/spool.db" "select count(*) from meta where name='cleanup_ms'" 2>/dev/null | grep -q 1; }
		have sqlite3 && wait_for 10 "F8: a cleanup" cleaned
		sleep 0.5
		stop_daemon || fail "the daemon did not stop well"
		expect "$records" "$(field .spool.records)" "F8: records after a start at $jump"
	done
	daemon_preload=''
	whole F8
	stop_sink
}
refused() { # WHAT PATTERN: neither the daemon nor a command takes it
	for command in "run" "ingest $good"; do
		# shellcheck disable=SC2086
		exits 1 timeout 20 "$LFSPOOL" $command
		says "$2"
	done
	echo "refused: $1"
}
f19_f20_foreign_things() {
	d=$LFSPOOL_SPOOL_DIR
	mkdir -m 777 "$d"; chmod 777 "$d"; refused "a directory open to all" 'open to others'; rmdir "$d"
	mkdir -m 700 "$tmp/real"; ln -s "$tmp/real" "$d"; refused "a link to a directory" 'symbolic link'; rm "$d"
	mkfifo "$d"; refused "a FIFO for a directory" '[Nn]ot a directory'; rm "$d"
	: >"$d"; refused "a file for a directory" '[Nn]ot a directory'; rm "$d"
	for file in spool.db spool.db-wal spool.db-shm spool.db-intake spool.db-intake-wal lfspool.lock; do
		mkdir -m 700 "$d"; : >"$tmp/other"
		mkfifo "$d/$file"; refused "a FIFO at $file" 'not a plain file\|is not a plain'; rm "$d/$file"
		ln -s "$tmp/other" "$d/$file"; refused "a link at $file" 'not a plain file\|Too many levels'; rm "$d/$file"
		ln "$tmp/other" "$d/$file"; refused "a second name at $file" 'hard link\|plain file of ours'; rm "$d/$file"
		mkdir "$d/$file"; refused "a directory at $file" 'not a plain file\|directory'; rmdir "$d/$file"
		[ ! -s "$tmp/other" ] || fail "F20: wrote through $file"
		rm -rf "$d"
	done
	if [ "$(id -u)" = 0 ]; then
		mkdir -m 700 "$d"; chown 65534 "$d"; refused "somebody else's directory" 'another user'; chown 0 "$d"
		: >"$d/spool.db"; chown 65534 "$d/spool.db"; refused "somebody else's file" 'somebody else'; rm -rf "$d"
		have setpriv && { # F19: a directory of ours that we may not enter
			mkdir -p "$tmp/nobody"; chown 65534 "$tmp/nobody"; chmod 711 "$tmp"
			mkdir -m 000 "$tmp/nobody/spool"; chown 65534 "$tmp/nobody/spool"
			exits 1 setpriv --reuid 65534 --clear-groups env HOME="$tmp/nobody" LFSPOOL_SPOOL_DIR="$tmp/nobody/spool" "$LFSPOOL" run
			says 'ermission'
		}
	fi
	mkdir -m 700 "$d"; mkdir "$d/control.sock" 2>/dev/null; exits 1 timeout 20 "$LFSPOOL" run; rm -rf "$d"
	mkdir -m 700 "$d"; : >"$d/control.sock" # a leftover, not a socket
	start_daemon; exits 0 "$LFSPOOL" ingest "$good"; stop_daemon || fail "the daemon did not stop well"
}
f51_hundreds_of_producers() { # at once: each is told the truth, and one that may try again can
	start_sink v4
	start_daemon
	count=${PRODUCERS:-200}
	n=0
	while [ $n -lt "$count" ]; do
		n=$((n + 1))
		load_file $n
		echo $n >>"$tmp/tried.0"
		(
			exec 2>/dev/null
			while :; do
				"$LFSPOOL" ingest "$tmp/load/$n.jsonl" >/dev/null
				got=$?
				[ $got = 75 ] || break
				: >"$tmp/away.$n"
				sleep 0.1
			done
			[ $got = 0 ] && : >"$tmp/done.$n"
		) &
		last=$!
		producers51="${producers51:-} $last"
	done
	for p in $producers51; do wait "$p"; done
	ls "$tmp" | sed -n 's/^done\.//p' >"$tmp/promised.0"
	expect "$count" "$(wc -l <"$tmp/promised.0")" "F51: producers served"
	instrumented || expect 0 "$(find "$tmp" -name 'away.*' | wc -l)" "F51: producers that had to come again although the daemon was well"
	kept F51
	stop_daemon || fail "the daemon did not stop well"
	once F51
	echo "F51: $count producers at once"
	stop_sink
}
f51_stalled_producers() { # they hold up nobody else, and what they gave before is durable
	start_daemon
	rm -f "$tmp/pipe"; mkfifo "$tmp/pipe"
	exec 8<>"$tmp/pipe"
	stalled=''
	for i in 1 2 3 4 5 6 7 8; do "$LFSPOOL" ingest - <"$tmp/pipe" >/dev/null 2>&1 & stalled="$stalled $!"; done
	head -20 "$good" >&8
	produce 7 5
	expect 5 "$(wc -l <"$tmp/promised.7")" "F51: sessions taken beside stalled producers"
	idles "$daemon_pid" 1 "F51: stalled producers"
	stop_daemon || fail "F51: the daemon does not stop while producers stall"
	for p in $stalled; do wait "$p"; [ $? = 75 ] || fail "F51: a producer that was cut off is told $?"; done
	exec 8>&-
	kept "F51 stalled"
}
for t in ${ONLY:-f3_sigterm_while_a_post_hangs f4_stopped_and_continued f5_little_memory f6_few_descriptors f7_two_daemons \
	f8_clocks_jump f19_f20_foreign_things f51_hundreds_of_producers f51_stalled_producers}; do
	fresh
	$t
	echo "ok $t"
done
exit 0
