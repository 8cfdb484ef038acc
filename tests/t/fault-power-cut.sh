#!/bin/sh
# The power fails at random moments while producers and the daemon write: what was acknowledged is there after the next
# mount, the file is sound, and everything arrives once. POWER_CUTS sets how often.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
races_build && skip "a build for finding races: too slow for the clocks of this test"
have jq || skip "no jq"
have sqlite3 || skip "no sqlite3"
have mkfs.ext4 && have losetup && have mount || skip "no mkfs.ext4, losetup or mount"
[ "$(id -u)" = 0 ] || skip "only root may mount"
mnt=$tmp/mnt
cleanup_more() { umount "$mnt" 2>/dev/null || umount -l "$mnt" 2>/dev/null; }
mkdir "$mnt"
truncate -s 128M "$tmp/disk"
mkfs.ext4 -q -F "$tmp/disk" || skip "mkfs.ext4 does not work here"
mount -o loop "$tmp/disk" "$mnt" 2>"$tmp/err" || skip "no loop mounts here: $(cat "$tmp/err")"
umount "$mnt"
cuts=${POWER_CUTS:-3}
export LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_LOOKUP_DELAY=300ms LFSPOOL_BACKOFF_MAX=1s LFSPOOL_SPOOL_DIR="$mnt/spool"
start_sink v4
sound() { # on a copy: closing would write the log back
	mkdir "$tmp/copy"
	cp "$mnt"/spool/spool.db* "$tmp/copy"
	expect ok "$(sqlite3 "$tmp/copy/spool.db" 'pragma integrity_check')" "the file $1"
	rm -r "$tmp/copy"
}
# Nobody acts after the power is gone: a sync that was under way when the file system was shut down may say that it did its work, and
# what would be told or sent after it, no machine without power tells or sends. A producer is stopped before what it started.
halt() {
	[ -z "$daemon_pid" ] || kill -STOP "$daemon_pid"
	halted=$producers
	for p in $producers; do
		kill -STOP "$p" 2>/dev/null
		for child in $(pgrep -P "$p"); do kill -STOP "$child" 2>/dev/null; halted="$halted $child"; done
	done
}
cut=0
while [ $cut -lt "$cuts" ]; do
	cut=$((cut + 1))
	mount -o loop "$tmp/disk" "$mnt" || fail "cannot mount"
	if [ -e "$mnt/spool/spool.db" ]; then
		sound "after cut $((cut - 1))"
		kept "after cut $((cut - 1))"
	fi
	[ $((cut % 4)) = 0 ] || start_daemon # every fourth time the producers write themselves
	rm -f "$tmp/stop"
	producers=''
	for p in 1 2 3; do
		produce $((cut * 4 + p)) 200 & producers="$producers $!"
	done
	sleep "0.$((3 + $(random 7)))$(random 10)"
	halt
	"$builddir/tests/crash/pcut" "$mnt" || skip "no EXT4_IOC_SHUTDOWN here"
	for p in $daemon_pid $halted; do kill -9 "$p" 2>/dev/null; done
	for p in $daemon_pid $producers; do wait "$p" 2>/dev/null; done
	daemon_pid=''
	away() { umount "$mnt" 2>/dev/null; } # those that were killed need a moment to be gone
	wait_for 20 "the file system is free" away
done
mount -o loop "$tmp/disk" "$mnt" || fail "cannot mount"
sound "after the last cut"
kept "after the last cut"
[ "$(promised | wc -l)" -gt 0 ] || fail "nothing was ever acknowledged"
once "after $cuts cuts"
echo "$cuts cuts, $(promised | wc -l) acknowledged sessions of $total: 0 lost, 0 doubled"
stop_sink
exit 0
