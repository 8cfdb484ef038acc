#!/bin/sh
# lfspool.conf(5) has an entry for every option that the program knows and for no other, says its default, and is clean mdoc.
. "${srcdir:-.}/tests/t/lib.sh"
page=$srcdir/src/conf/lfspool.conf.5
have mandoc || skip "no mandoc"

mandoc -Tlint -W warning "$page" >"$tmp/lint" 2>/dev/null || fail "mandoc: $(cat "$tmp/lint")"

unset LFSPOOL_SPOOL_DIR
exits 0 "$LFSPOOL" config --json
grep -o '"name":"[a-z0-9_]*","value":\("[^"]*"\|null\)' "$tmp/out" | sed 's/"name":"//; s/","value":/ /; s/"//g' >"$tmp/options"
[ -s "$tmp/options" ] || fail "config --json names no option: $(head -c 300 "$tmp/out")"

entry() { # NAME: the text of its entry
	awk -v head=".It Ic $1" '$0 == head { on = 1; next } on && /^\.(It|El)/ { exit } on' "$page"
}
while read -r name value; do
	entry "$name" >"$tmp/entry"
	[ -s "$tmp/entry" ] || fail "no entry for $name"
	case $name in
	spool_dir|opencode_db|claude_dir) ;; # computed
	*) [ "$value" = null ] || grep -qF -e "$value" "$tmp/entry" || fail "the entry of $name does not say its default, $value" ;;
	esac
done <"$tmp/options"

sed -n 's/^\.It Ic //p' "$page" >"$tmp/entries"
while read -r name; do
	grep -q "^$name " "$tmp/options" || fail "the page has $name, the program has not"
done <"$tmp/entries"

# Each command and each of its options stands in lfspool(1).
commands=$srcdir/src/cmd/lfspool.1
for command in $("$LFSPOOL" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
	grep -q "^\.It Cm $command" "$commands" || fail "lfspool.1 lacks the command $command"
	for option in $("$LFSPOOL" "$command" --help | sed -n 's/^  --\([a-z-]*\).*/\1/p'); do
		grep -q -e "Fl -$option" "$commands" || fail "lfspool.1 lacks --$option of $command"
	done
done
exit 0
