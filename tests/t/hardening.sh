#!/bin/sh
# The binary is hardened: PIE, full RELRO, no executable stack, stack protector, fortified calls, no run path, and on x86 marked branch targets. And it calls nothing that
# cannot be called safely.
. "${srcdir:-.}/tests/t/lib.sh"
have readelf || skip "no readelf"
nm -D "$LFSPOOL" 2>/dev/null | grep -q -e __asan_init -e __tsan_init && skip "a sanitizer build"
readelf -h "$LFSPOOL" | grep -q 'Type:.*DYN' || fail "not position independent"
readelf -dW "$LFSPOOL" | grep -q 'Flags:.*PIE' || fail "not a position independent program"
readelf -lW "$LFSPOOL" | grep -q GNU_RELRO || fail "no RELRO"
readelf -dW "$LFSPOOL" | grep -q -e BIND_NOW -e 'Flags:.*NOW' || fail "not bound at start"
readelf -lW "$LFSPOOL" | grep -q GNU_STACK || fail "nothing says whether the stack can be executed"
readelf -lW "$LFSPOOL" | grep GNU_STACK | grep -q RWE && fail "the stack can be executed"
readelf -lW "$LFSPOOL" | grep LOAD | grep -q RWE && fail "something can be written and executed"
readelf -dW "$LFSPOOL" | grep -q -e '(RPATH)' -e '(RUNPATH)' && fail "a run path"
readelf -sW --dyn-syms "$LFSPOOL" | grep -q __stack_chk_fail || fail "no stack protector"
readelf -sW --dyn-syms "$LFSPOOL" | grep -q '_chk@' || fail "no fortified calls"
# The property note of the whole says less: the start files of some systems lack the mark.
if have objdump && objdump -f "$LFSPOOL" | grep -q 'file format elf64-x86-64'; then
	objdump -d --no-show-raw-insn --disassemble=main "$LFSPOOL" | grep -q endbr64 || fail "branch targets are not marked (-fcf-protection)"
fi
# Without a bound, with one state for all threads, through a shell, or a name that others can guess.
banned='strcpy|stpcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|strtok|asctime|ctime|gmtime|localtime|system|popen|tmpnam|tempnam|mktemp|atoi|alloca|vfork'
called=$(nm -D --undefined-only "$LFSPOOL" | sed -nE "s/.* (__)?($banned)(_chk)?(@.*)?\$/\2/p" | tr '\n' ' ')
[ -z "$called" ] || fail "calls $called"
exit 0
