#!/bin/sh
# The binary is hardened: PIE, full RELRO, no executable stack, stack protector, fortified calls.
. "${srcdir:-.}/tests/t/lib.sh"
have readelf || skip "no readelf"
nm -D "$LFSPOOL" 2>/dev/null | grep -q -e __asan_init -e __tsan_init && skip "a sanitizer build"
readelf -h "$LFSPOOL" | grep -q 'Type:.*DYN' || fail "not position independent"
readelf -lW "$LFSPOOL" | grep -q GNU_RELRO || fail "no RELRO"
readelf -dW "$LFSPOOL" | grep -q -e BIND_NOW -e 'Flags:.*NOW' || fail "not bound at start"
readelf -lW "$LFSPOOL" | grep GNU_STACK | grep -q RWE && fail "the stack can be executed"
readelf -sW --dyn-syms "$LFSPOOL" | grep -q __stack_chk_fail || fail "no stack protector"
readelf -sW --dyn-syms "$LFSPOOL" | grep -q '_chk@' || fail "no fortified calls"
exit 0
