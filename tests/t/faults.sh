#!/bin/sh
# The table of faults is whole, and the tests that it names are there.
. "${srcdir:-.}/tests/t/lib.sh"
table=$srcdir/tests/crash/FAULTS.md
expect "$(seq -f 'F%.0f' 1 53)" "$(sed -n 's/^| \(F[0-9]*\) |.*/\1/p' "$table")" "the rows of the table"
sed -n 's/^| \(F[0-9]*\) |[^|]*|\(.*\)|$/\1 \2/p' "$table" | while read -r fault cell; do
	echo "$cell" | grep -o '`[^`]*`' | tr -d '`' >"$tmp/references"
	[ -s "$tmp/references" ] || fail "$fault names no test"
	while read -r reference; do
		file=${reference%%:*} name=${reference#*:}
		[ -f "$srcdir/$file" ] || fail "$fault: there is no $file"
		grep -q -F -e "$name" "$srcdir/$file" || fail "$fault: there is no '$name' in $file"
	done <"$tmp/references"
done || exit 1
exit 0
