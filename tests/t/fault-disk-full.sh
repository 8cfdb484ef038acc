#!/bin/sh
# A disk of 100 MB, 200 MB that want in, and a receiver that takes nothing: what does not fit is refused with 75, what was
# acknowledged is delivered when the receiver is back (which makes room by itself), and the rest is taken then. Then the
# disk is filled by somebody else; a quota; a limit on the size of files; a disk that became read-only.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
have jq || skip "no jq"
have curl || skip "no curl"
[ "$(id -u)" = 0 ] || skip "only root may mount"
mnt=$tmp/mnt
mkdir "$mnt"
mount -t tmpfs -o size=100m,mode=700 tmpfs "$mnt" 2>/dev/null || skip "no mounts here"
cleanup_more() { umount "$mnt" 2>/dev/null || umount -l "$mnt" 2>/dev/null; }
export LFSPOOL_SPOOL_DIR="$mnt/spool" LFSPOOL_MAX_SPOOL_MB=1000 LFSPOOL_MAX_FIELD_KB=8192 LFSPOOL_FLUSH_INTERVAL=500ms \
	LFSPOOL_LOOKUP_DELAY=300ms LFSPOOL_MAX_RECORD_MB=16
loud() { grep -c -e '"level":"error"' "$tmp/daemon.err"; }

ingest_big() { # N: notes the try, and the promise
	[ -e "$tmp/load/$1.jsonl" ] || load_big "$1" 1400000 # 1.4 MB
	grep -q -x "$1" "$tmp/tried.0" 2>/dev/null || echo "$1" >>"$tmp/tried.0"
	"$LFSPOOL" ingest "$tmp/load/$1.jsonl" >/dev/null 2>"$tmp/err"
	status=$?
	[ $status = 0 ] && echo "$1" >>"$tmp/promised.0"
	return $status
}
start_sink v4 --fault posts-only,status=401
start_daemon
n=0 refused=0
while [ $n -lt 140 ]; do # 200 MB
	n=$((n + 1))
	ingest_big $n && continue
	[ $status = 75 ] || fail "a full disk gives exit $status: $(cat "$tmp/err")"
	refused=$((refused + 1))
	[ $refused -lt 5 ] || break
done
[ $refused -gt 0 ] || fail "200 MB went into 100 MB"
taken=$(promised | wc -l)
[ "$taken" -gt 5 ] || fail "only $taken sessions were taken"
says 'full'
is_loud() { [ "$(loud)" -gt 0 ]; }
wait_for 60 "a word about it" is_loud
before=$(loud)
idles "$daemon_pid" 3 "the disk is full"
[ "$(loud)" -le $((before + 1)) ] || fail "$(loud) lines about one full disk"
kept "the disk is full"

# the receiver is back: everything goes out, and what was refused finds room then
curl -s -o /dev/null -X POST -d '' "$sink_url/sink/fault"
exits 0 "$LFSPOOL" flush --timeout 60
takes() { ingest_big 1000; }
wait_for 20 "room after the delivery" takes
later=$n
while [ $later -lt 140 ]; do
	later=$((later + 20))
	m=0
	until ingest_big $later; do
		[ $status = 75 ] || fail "exit $status: $(cat "$tmp/err")"
		m=$((m + 1)); [ $m -lt 300 ] || fail "no room although everything can be delivered"
		sleep 0.1
	done
done
takes_all() { for n in $(unpromised); do ingest_big "$n" || return 1; done; }
wait_for 60 "room for what was refused" takes_all
stop_daemon || fail "the daemon did not stop well"
once "a disk of 100 MB"
echo "tmpfs of 100 MB: $taken sessions of 1.4 MB taken, then 75; $total delivered once"

# somebody else takes the last byte; then gives it back
start_daemon
head -c 120M /dev/zero >"$mnt/filler" 2>/dev/null
ingest_big 2000 && fail "acknowledged on a disk without a byte"
expect 75 $status "exit without a byte of room"
stop_daemon || fail "the daemon does not stop on a full disk"
"$LFSPOOL" status --json >"$tmp/out" 2>&1 || fail "no status on a full disk: $(cat "$tmp/out")"
rm "$mnt/filler"
start_daemon
takes() { ingest_big 2000; }
wait_for 20 "room after somebody else went" takes
stop_daemon || fail "the daemon did not stop well"

# F14: a limit on the size of files is a full disk, not a death by SIGXFSZ
export LFSPOOL_SPOOL_DIR="$tmp/spool"
load_file 3000
(ulimit -f 1000; "$LFSPOOL" ingest "$tmp/load/2000.jsonl" >/dev/null 2>"$tmp/err")
expect 75 $? "exit with a limit on the size of files ($(cat "$tmp/err"))"
exits 0 "$LFSPOOL" ingest "$tmp/load/2000.jsonl"

# F18: read-only
export LFSPOOL_SPOOL_DIR="$mnt/spool"
mount -o remount,ro "$mnt" || fail "cannot remount"
exits 1 "$LFSPOOL" ingest "$tmp/load/3000.jsonl"
exits 1 "$LFSPOOL" run
says 'ead-only\|readonly'
mount -o remount,rw "$mnt" || fail "cannot remount"
exits 0 "$LFSPOOL" ingest "$tmp/load/3000.jsonl"
stop_sink
exit 0
