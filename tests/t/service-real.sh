#!/bin/sh
# A real systemd of a user without rights runs the unit: the daemon is ready, locked in as the unit says, takes a session, ships it,
# is started again when it is killed, reads its configuration again and stops. In namespaces of its own; needs root.
. "${srcdir:-.}/tests/t/lib.sh"
systemd=/lib/systemd/systemd
builddir=${builddir:-.}
[ -x $systemd ] && have systemctl || skip "no systemd"
have setpriv && have unshare && have jq && have dbus-daemon || skip "no util-linux, no dbus or no jq"
grep -q '^#define HAVE_SYSTEMD' "$builddir/config.h" || skip "built without libsystemd"
grep -q 'INSTRUMENT_CFLAGS = .*-fsanitize' "$builddir/Makefile" && skip "a sanitizer build does not live in the unit's limits"
[ "$(id -u)" = 0 ] || skip "not root"
unshare -Cmpf --mount-proc sh -c 'mount -t cgroup2 none /sys/fs/cgroup && mkdir /sys/fs/cgroup/lfspool-try && rmdir /sys/fs/cgroup/lfspool-try' 2>/dev/null ||
	skip "namespaces with control groups of their own cannot be had here"
good=$(fixture tools sse.jsonl)

# Everything of the user is on file systems that go with the namespace.
cat >"$tmp/outer" <<'END'
set -e
mount -t cgroup2 none /sys/fs/cgroup
group=/sys/fs/cgroup/lfspool-test-$1
mkdir "$group"; echo $$ >"$group/cgroup.procs"
chown -R 4711:4711 "$group"
mount -t tmpfs -o mode=755 none /run
mount -t tmpfs -o mode=755 none /home
mkdir -p /run/systemd/system /run/systemd/unit-root /run/user/4711 /run/bin /home/tester/.config/systemd/user /home/tester/.config/lfspool
{ cat /etc/passwd; echo 'lfspool-test:x:4711:4711::/home/tester:/bin/sh'; } >/run/passwd
mount --bind /run/passwd /etc/passwd
cp "$LFSPOOL" /run/bin/lfspool
cp "$good" /run/session.jsonl
sed 's|^ExecStart=.*/lfspool run|ExecStart=/run/bin/lfspool run|' "$builddir/contrib/systemd/lfspool.service" >/home/tester/.config/systemd/user/lfspool.service
chown -R 4711:4711 /run/user/4711 /home/tester
chmod 700 /run/user/4711 /home/tester
cp "$inner" /run/inner
exec setpriv --reuid=4711 --regid=4711 --clear-groups env -i PATH="$PATH" HOME=/home/tester XDG_RUNTIME_DIR=/run/user/4711 sh /run/inner
END
cat >"$tmp/inner" <<'END'
cd /
fail() { echo "not ok: $*"; systemctl --user status lfspool.service --no-pager 2>&1 | tail -20; exit 1; }
lfspool=/run/bin/lfspool
user() { timeout 100 systemctl --user "$@"; }
property() { user show -p "$1" --value lfspool.service; }
await() { n=0; until "$@"; do n=$((n + 1)); [ $n -lt 600 ] || fail "waited in vain: $*"; sleep 0.1; done; }
$lfspool sink --profile v4 --for 900 --out /home/tester/observations >/home/tester/sink 2>&1 &
await grep -q listening /home/tester/sink
{
	echo "langfuse_host = $(sed -n 's/^listening on //p' /home/tester/sink)"
	echo "langfuse_public_key = test-public"
	echo "langfuse_secret_key_file = /home/tester/.config/lfspool/secret"
	echo "flush_interval = 200ms"
} >/home/tester/.config/lfspool/lfspool.conf
(umask 077; echo test-secret-value >/home/tester/.config/lfspool/secret)
/lib/systemd/systemd --user >/home/tester/systemd.log 2>&1 &
manager_up() { user is-system-running >/home/tester/state 2>&1 || grep -q -e running -e degraded /home/tester/state; }
await manager_up

user start lfspool.service || fail "it does not start"
[ "$(property ActiveState)" = active ] || fail "not active"
[ "$(property WatchdogUSec)" = 2min ] || fail "watchdog: $(property WatchdogUSec)"
pid=$(property MainPID)
for line in 'CapBnd:	0000000000000000' 'NoNewPrivs:	1' 'Seccomp:	2'; do
	grep -q "^$line" "/proc/$pid/status" || fail "not '$line' but $(grep "^${line%%:*}" "/proc/$pid/status")"
done
# What it sees: nothing can be written but the spool.
for dir in /home/tester /home/tester/.config/lfspool /usr /etc; do
	awk -v dir="$dir" '{ n = length($5); if (index(dir "/", ($5 == "/" ? "" : $5) "/") == 1 && n >= best) { best = n; options = $6 } }
		END { exit options !~ /^ro/ }' "/proc/$pid/mountinfo" || fail "$dir can be written"
done
grep -q ' /home/tester/.local/state/lfspool rw' "/proc/$pid/mountinfo" || fail "the spool's folder is no mount of its own"

$lfspool ingest /run/session.jsonl >/dev/null || fail "a session is not taken"
shipped() { [ "$($lfspool status --json | jq '.spool | .delivered > 0 and .pending + .in_flight + .in_doubt == 0')" = true ]; }
await shipped
before=$($lfspool status --json | jq .spool.delivered)

user reload lfspool.service || fail "no reload"
user kill -s KILL lfspool.service
again() { [ "$(property ActiveState)" = active ] && [ "$(property MainPID)" != "$pid" ]; }
await again
[ "$(property NRestarts)" = 1 ] || fail "restarts: $(property NRestarts)"
[ "$($lfspool status --json | jq .spool.delivered)" = "$before" ] || fail "something was lost over the restart"
[ "$(sort -u /home/tester/observations | wc -l)" = "$(wc -l </home/tester/observations)" ] || fail "something was sent twice"

# The watchdog ends a daemon that hangs, and it comes back.
pid=$(property MainPID)
mkdir -p /home/tester/.config/systemd/user/lfspool.service.d
printf '[Service]\nWatchdogSec=2s\n' >/home/tester/.config/systemd/user/lfspool.service.d/quick.conf
user daemon-reload && user restart lfspool.service || fail "no restart"
pid=$(property MainPID)
sleep 3
[ "$(property MainPID)" = "$pid" ] || fail "the watchdog ended a daemon that lives"
kill -STOP "$pid"
await again
user stop lfspool.service || fail "it does not stop"
[ "$(property Result)" = success ] || fail "result: $(property Result)"
END
export good builddir LFSPOOL inner="$tmp/inner"
timeout 900 unshare -Cmpf --mount-proc sh "$tmp/outer" "$$" >"$tmp/out" 2>&1 || fail "$(tail -30 "$tmp/out")"
find /sys/fs/cgroup -depth -type d -path "*/lfspool-test-$$*" -exec rmdir {} + 2>/dev/null
exit 0
