#!/bin/sh
# The stages stay ignorant of each other: what a folder includes, and who uses which library.
cd "${srcdir:-.}" || exit 1
bad=0
complain() { printf 'not ok: %s\n' "$*" >&2; bad=1; }

# FOLDER ALLOWED-PREFIXES...
may_include() {
	folder=$1; shift
	own=${folder#src/}
	for f in "$folder"/*.[ch]; do
		sed -n 's/^#[ 	]*include "\([^"]*\)".*/\1/p' "$f" | while read -r inc; do
			ok=
			for p in config.h "$own/" "$@"; do case $inc in "$p"*) ok=1 ;; esac; done
			case $inc in */*) ;; *) [ -f "$folder/$inc" ] && ok=1 ;; esac
			[ -n "$ok" ] || echo "$f includes $inc"
		done
	done
}
{
	may_include src/base
	may_include src/event base/
	may_include src/conf base/
	may_include redact base/ event/
	may_include spool base/ event/
	may_include src/ingest base/ event/ ship/http.h
	may_include src/assemble base/ event/
	may_include src/map base/ event/
	may_include src/metrics base/ event/
	may_include src/ship base/ event/ map/ spool.h
	may_include src/sink base/ event/ map/map.h src/sink/ui_page.inc
	may_include src/daemon/sources base/ event/ conf/ redact.h spool.h ingest/ ship/ metrics/ daemon/work.h daemon/syncing.h daemon/writer.h daemon/meters/
	may_include src/daemon/flusher base/ event/ conf/ spool.h assemble/ map/ ship/ metrics/ daemon/work.h daemon/syncing.h daemon/meters/
	may_include src/cmd base/ event/ conf/ spool.h daemon/ sink/sink.h src/cmd/demo_session.inc ingest/ingest.h map/map.h
} | sort -u >"${TMPDIR:-/tmp}/layout.$$"
if [ -s "${TMPDIR:-/tmp}/layout.$$" ]; then complain "$(cat "${TMPDIR:-/tmp}/layout.$$")"; fi
rm -f "${TMPDIR:-/tmp}/layout.$$"

# HEADER FOLDER...: the only users of a library
only_in() {
	header=$1; shift
	for f in $(grep -rlF "<$header>" src redact spool 2>/dev/null); do
		ok=
		for p in "$@"; do case $f in "$p"/*|"$p") ok=1 ;; esac; done
		[ -n "$ok" ] || complain "$f uses <$header>"
	done
}
only_in pcre2.h redact
only_in sqlite3.h spool src/ingest/src_opencode_db_private.h
only_in curl/curl.h src/ship
only_in ini.h src/conf
only_in microhttpd.h src/sink src/daemon
only_in xxhash.h src/base
# What only Linux has stands in two files, each with one beside it that does without (configure --disable-linux).
linux='sys/inotify.h|inotify_|sys/epoll.h|sys/eventfd.h|sys/timerfd.h|sys/signalfd.h|sys/prctl.h|linux/|sys/vfs.h|sys/statfs.h|struct statfs|link.h>|malloc.h>|"/proc/'
linux="$linux|SO_PEERCRED|struct ucred|sigwaitinfo|sigtimedwait|pipe2|accept4|SOCK_CLOEXEC|SOCK_NONBLOCK|MSG_CMSG_CLOEXEC|O_PATH|O_TMPFILE|getrandom|clearenv"
linux="$linux|sync_file_range|fallocate\\(|renameat2|statx|gettid|strchrnul|mempcpy|rawmemchr|secure_getenv|program_invocation|pthread_setname|mremap|memfd_|splice\\("
for f in $(grep -rlE "(^|[^a-z_])($linux)" src spool redact --include='*.[ch]'); do
	case $f in src/base/system_linux.c|src/ingest/watch_linux.c) ;; *) complain "$f: $(grep -nE "(^|[^a-z_])($linux)" "$f" | head -3)" ;; esac
done
for f in $(grep -rlF 'clean_record_make.h' src redact spool); do
	case $f in redact/*|spool/*|src/event/*) ;; *) complain "$f makes clean records" ;; esac
done
exit $bad
