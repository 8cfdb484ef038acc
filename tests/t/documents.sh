#!/bin/sh
# What the pages tell is so: links lead somewhere, commands exist, configurations load, options and metrics have these names.
. "${srcdir:-.}/tests/t/lib.sh"
cd "$srcdir" || exit 1
pages="README.md contrib/doc/*.md"

for page in $pages; do
	for link in $(grep -oE '\]\([^)#]+\)' "$page" | sed 's/^](//; s/)$//' | grep -v '^http'); do
		[ -e "$(dirname "$page")/$link" ] || fail "$page: leads to $link, which is not there"
	done
	for file in $(grep -oE '`(\.\./|contrib/)[a-z0-9_./-]+`' "$page" | tr -d '`'); do
		case $file in contrib/*) at=$file ;; *) at=$(dirname "$page")/$file ;; esac
		[ -e "$at" ] || fail "$page: names $file, which is not there"
	done
done
commands=$("$LFSPOOL" --help | sed -n 's/^  *\([a-z]*\) .*/\1/p')
for c in $(cat $pages | grep -oE '(`|^)lfspool [a-z]+' | sed 's/.* //' | sort -u); do
	echo "$commands" | grep -qx "$c" || fail "there is no command $c"
done
"$LFSPOOL" config --json >"$tmp/config" || fail "config"
options=$(grep -oE '"name":"[a-z0-9_]+"' "$tmp/config" | cut -d '"' -f 4)
[ -n "$options" ] || fail "config --json names no options"
for o in $(cat $pages | grep -oE '`[a-z]+_[a-z_]+( = [^`]*)?`' | tr -d '`' | sed 's/ .*//' | grep -vE '^(opencode_|lfspool_)?[a-z_]+_(total|seconds)$|^(session_message|event_sequence|metadata_only)$|^lfspool_' | sort -u); do
	echo "$options" | grep -qx "$o" || fail "there is no option $o"
done
# Each block of configuration, alone in a file.
for page in $pages; do
	awk -v out="$tmp/ini" '/^```ini/ { n++; on = 1; next } /^```/ { on = 0 } on { print > (out "." n) }' "$page"
	for ini in "$tmp"/ini.*; do
		[ -f "$ini" ] || continue
		: >"$tmp/key"; chmod 600 "$tmp/key"; echo k >"$tmp/key"
		sed "s|^\(langfuse_secret_key_file = \)[^ ]*|\1$tmp/key|; s|/etc/lfspool/[a-z]*|$tmp/key|" "$ini" >"$tmp/conf"
		"$LFSPOOL" config --config "$tmp/conf" >/dev/null 2>"$tmp/err" || fail "$page: a configuration that does not load: $(cat "$tmp/err")"
		rm "$ini"
	done
done
exit 0
