#!/bin/sh
# Every source compiles without a warning against musl's headers, in both builds (with what Linux has, and with what POSIX has); what needs no
# library but xxHash's header is linked statically with musl and run over the JSON corpus.
. "${srcdir:-.}/tests/t/lib.sh"
have musl-gcc || skip "no musl-gcc"
builddir=${builddir:-.}
include=$tmp/include
mkdir -p "$include"
# The libraries' own headers only: the rest of /usr/include is glibc's.
for name in pcre2.h sqlite3.h xxhash.h xxh3.h ini.h zlib.h zconf.h microhttpd.h; do
	for dir in /usr/include /usr/include/*-linux-gnu; do
		[ ! -e "$dir/$name" ] || ln -sf "$dir/$name" "$include/$name"
	done
done
for dir in /usr/include /usr/include/*-linux-gnu; do [ ! -d "$dir/curl" ] || ln -sfn "$dir/curl" "$include/curl"; done
cat >"$include/config.h" <<'END'
#define PACKAGE_VERSION "0"
#define HAVE_MICROHTTPD 1
END
compile() { # ARGUMENTS...
	musl-gcc -std=gnu11 -O1 -Wall -Wextra -Wshadow -Werror -D_GNU_SOURCE -DHAVE_CONFIG_H -DLFSPOOL_DATADIR='"/usr/share/lfspool"' \
		-I"$srcdir/src" -I"$srcdir/redact" -I"$srcdir/spool" -I"$srcdir" -isystem "$include" -idirafter "$builddir" "$@" 2>"$tmp/err"
}
n=0
for file in "$srcdir"/src/*.c "$srcdir"/src/*/*.c "$srcdir"/src/*/*/*.c "$srcdir"/redact/*.c "$srcdir"/spool/*.c; do
	compile -fsyntax-only "$file" || fail "$file: $(head -5 "$tmp/err")"
	n=$((n + 1))
done
compile -static -DXXH_INLINE_ALL -o "$tmp/replay" $(find "$srcdir/src/base" -name '*.c' ! -name '*_linux.c') \
	"$srcdir/tests/fuzz/fuzz_json.c" "$srcdir/tests/fuzz/replay.c" || fail "not linked: $(head -5 "$tmp/err")"
(cd "$srcdir" && "$tmp/replay" tests/fixtures/opencode/*/*.json* >"$tmp/out" 2>&1) || fail "the corpus: $(tail -3 "$tmp/out")"
echo "$n sources, $(cat "$tmp/out") of JSON"
exit 0
