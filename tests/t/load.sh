# Sourced after lib.sh: producers that note what they were promised, and the oracle that counts it.
# A promise is an `ingest` that ended with 0. Each producer ingests sessions of its own, made of one recording.
# shellcheck shell=sh
load_records=11 # of one session
load_spans=3
load_template=$fixtures/plain/sse.jsonl
mkdir -p "$tmp/load"

# load_file N: the recording as session N, at $tmp/load/N.jsonl
load_file() {
	sed -E "s/((ses|msg|prt)_[A-Za-z0-9]{20})[A-Za-z0-9]{6}/\1$(printf %06d "$1")/g" "$load_template" >"$tmp/load/$1.jsonl"
}
# load_big N BYTES: the same with an answer of so many bytes
load_big() {
	load_file "$1"
	[ -e "$tmp/pad.$2" ] || head -c $(($2 / 2)) /dev/urandom | od -An -tx1 -w32 | tr -d ' ' | tr '\n' ' ' >"$tmp/pad.$2"
	awk -v pad="$tmp/pad.$2" 'BEGIN { getline text <pad }
		{ i = index($0, "The answer is 42. This"); if (i && !done && /"end":/) { $0 = substr($0, 1, i - 1) text substr($0, i); done = 1 } print }' \
		"$tmp/load/$1.jsonl" >"$tmp/load/$1.big" && mv "$tmp/load/$1.big" "$tmp/load/$1.jsonl"
}
# produce ID COUNT: up to COUNT sessions, one process each, until $tmp/stop is there
produce() {
	made=0
	while [ $made -lt "$2" ] && [ ! -e "$tmp/stop" ]; do
		made=$((made + 1))
		n=$(($1 * 1000 + made))
		load_file $n
		echo $n >>"$tmp/tried.$1"
		"$LFSPOOL" ingest "$tmp/load/$n.jsonl" >/dev/null 2>>"$tmp/producer.err" && echo $n >>"$tmp/promised.$1"
	done
}
promised() { cat "$tmp"/promised.* 2>/dev/null | sort -n | uniq; }
unpromised() { { cat "$tmp"/tried.* 2>/dev/null | sort -n | uniq; promised; } | sort -n | uniq -u; }

# kept WHAT: every promised session is whole in the spool
kept() {
	"$LFSPOOL" ingest /dev/null >/dev/null || fail "$1: nobody can write to the spool" # what came in last is folded into it by the next writer
	"$LFSPOOL" export >"$tmp/export" || fail "$1: no export"
	promised >"$tmp/want"
	jq -r 'select(.session | test("^ses_e0379f672ffeswdYB4Dp")) | .session[24:] | tonumber' "$tmp/export" | sort -n | uniq -c |
		awk -v want="$load_records" '$1 == want { print $2 }' | sort -n >"$tmp/whole"
	sort "$tmp/want" >"$tmp/want.sorted"; sort "$tmp/whole" >"$tmp/whole.sorted"
	lost=$(comm -13 "$tmp/whole.sorted" "$tmp/want.sorted" | wc -l)
	[ "$lost" = 0 ] || fail "$1: $lost of $(wc -l <"$tmp/want") acknowledged sessions are not in the spool: $(comm -13 "$tmp/whole.sorted" "$tmp/want.sorted" | head -5 | tr '\n' ' ')"
}
# once WHAT: what was refused is taken now, everything is delivered, and each observation stands at the receiver once
once() {
	for n in $(unpromised); do echo "$tmp/load/$n.jsonl"; done >"$tmp/again"
	if [ -s "$tmp/again" ]; then
		# shellcheck disable=SC2046
		exits 0 "$LFSPOOL" ingest $(cat "$tmp/again")
	fi
	exits 0 "$LFSPOOL" flush --timeout "${ONCE_TIMEOUT:-120}"
	total=$(cat "$tmp"/tried.* | sort -u | wc -l)
	jq -r 'select(.own_session | test("^ses_e0379f672ffeswdYB4Dp")) | .span' "$tmp/observations.jsonl" | sort >"$tmp/spans"
	doubled=$(uniq -d "$tmp/spans" | wc -l)
	[ "$doubled" = 0 ] || fail "$1: $doubled observations arrived twice"
	expect "$((total * load_spans))" "$(uniq "$tmp/spans" | wc -l)" "$1: observations of $total sessions at the receiver"
}
# wait_for SECONDS WHAT COMMAND...: polls until the command succeeds
wait_for() {
	limit=$(($1 * 20)); what=$2; shift 2
	polled=0
	until "$@"; do
		polled=$((polled + 1)); [ $polled -lt $limit ] || fail "$what: not after $((limit / 20)) s"
		sleep 0.05
	done
}
# cpu_ms PID: processor time so far
cpu_ms() { awk '{ sub(/.*\) /, ""); print ($12 + $13) * 10 }' "/proc/$1/stat"; }
# idles PID SECONDS WHAT: less than 1 % of a processor, and 20 ms for the clock's grain. What was begun before may end first, so that
# one of five looks must be quiet: who spins never is.
idles() {
	look=0
	while :; do
		look=$((look + 1))
		spent=$(cpu_ms "$1"); sleep "$2"; used=$(($(cpu_ms "$1") - spent))
		[ $used -gt $(($2 * 10 + 20)) ] || return 0
		[ $look -lt 5 ] || fail "$3: $used ms of processor time in $2 s"
	done
}
races_build() { nm -D "$LFSPOOL" 2>/dev/null | grep -q -e __tsan_init; }
instrumented() { nm -D "$LFSPOOL" 2>/dev/null | grep -q -e __asan_init -e __tsan_init; }
# random BELOW
random() { od -An -N4 -tu4 /dev/urandom | awk -v below="$1" '{ print $1 % below }'; }
