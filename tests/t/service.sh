#!/bin/sh
# What starts the daemon is installed with the program's real place in it, systemd finds nothing to object to in the unit, and the
# daemon tells its service manager when it is ready, that it lives, that it reads its configuration again, and that it stops.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
builddir=${builddir:-.}

# make install and uninstall below DESTDIR
quietly() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$builddir" "$@" DESTDIR="$tmp/dest" >"$tmp/make.log" 2>&1 || fail "make $*: $(tail -5 "$tmp/make.log")"; }
bindir=$(sed -n 's/^ExecStart=\(.*\)\/lfspool run$/\1/p' "$builddir/contrib/systemd/lfspool.service")
quietly install
unit=$(find "$tmp/dest" -path '*/systemd/user/lfspool.service')
[ -n "$unit" ] || fail "the unit is not installed"
[ -x "$tmp/dest$bindir/lfspool" ] || fail "the unit starts $bindir/lfspool, which is not where the program is installed"
for name in org.lfspool.plist lfspool.desktop; do
	file=$(find "$tmp/dest" -name "$name")
	[ -n "$file" ] || fail "$name is not installed"
	grep -q "$bindir/lfspool" "$file" || fail "$name does not start $bindir/lfspool"
	grep -q '@[a-z]*@' "$file" && fail "$name has something that was not filled in"
done
if have desktop-file-validate; then desktop-file-validate "$(find "$tmp/dest" -name lfspool.desktop)" >"$tmp/out" || fail "$(cat "$tmp/out")"; fi

if have systemd-analyze; then
	mkdir -p "$tmp/run" "$tmp/unit"
	sed "s|$bindir/|$tmp/dest$bindir/|" "$unit" >"$tmp/unit/lfspool.service"
	analyze() { XDG_RUNTIME_DIR="$tmp/run" systemd-analyze --user "$@" >"$tmp/analyze" 2>&1; }
	analyze --man=no verify "$tmp/unit/lfspool.service" || fail "verify: $(cat "$tmp/analyze")"
	[ -s "$tmp/analyze" ] && fail "verify: $(cat "$tmp/analyze")"
	# Exposure in tenths. What is left is the network, the loopback receiver's included, and code that is compiled at run time.
	if analyze --help && grep -q -e --offline "$tmp/analyze"; then
		analyze security --offline=true --threshold=20 "$tmp/unit/lfspool.service" || fail "security: $(tail -1 "$tmp/analyze")"
		tail -1 "$tmp/analyze"
	fi
fi
quietly uninstall
expect '' "$(find "$tmp/dest" ! -type d)" "what uninstall left"

# Readiness and the watchdog, at a socket as systemd has it.
grep -q '^#define HAVE_SYSTEMD' "$builddir/config.h" || skip "built without libsystemd"
have socat || skip "no socat"
socat -u "UNIX-RECV:$tmp/notify" "OPEN:$tmp/told,creat,append" &
listener=$!
cleanup_more() { kill "$listener" 2>/dev/null; }
told() { # PATTERN COUNT
	n=0
	until [ "$(tr '\n' ' ' <"$tmp/told" 2>/dev/null | grep -o "$1" | wc -l)" -ge "$2" ]; do
		n=$((n + 1)); [ $n -lt 1200 ] || fail "not told $2 times: $1 ($(tr '\n' ' ' <"$tmp/told"))"
		sleep 0.05
	done
}
n=0; until [ -S "$tmp/notify" ]; do n=$((n + 1)); [ $n -lt 200 ] || fail "no notify socket"; sleep 0.05; done
daemon_preload="NOTIFY_SOCKET=$tmp/notify WATCHDOG_USEC=400000"
start_daemon
told READY=1 1
told WATCHDOG=1 3
kill -HUP "$daemon_pid"
told 'RELOADING=1.*READY=1' 1
stop_daemon || fail "the daemon did not stop well"
told STOPPING=1 1
exit 0
