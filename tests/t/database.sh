#!/bin/sh
# The daemon follows OpenCode's databases while they grow: every recording ends as its truth.json says, whatever happens in between;
# a stream of the same sessions adds nothing but what only a stream knows.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
grow=$builddir/tests/database/grow
schema=$srcdir/tests/fixtures/opencode-db/schema.sql
data=$XDG_DATA_HOME/opencode
export LFSPOOL_BACKFILL_SINCE=3650d LFSPOOL_POLL_INTERVAL=200ms LFSPOOL_BACKFILL_RATE=1000000

grow() { # DATABASE COMMAND...
	db=$1; shift
	"$grow" "$data/$db" "$schema" "$@" >"$tmp/grow.out" 2>&1 || fail "grow $db $1 $2: $(cat "$tmp/grow.out")"
}
wait_for() { # WHAT COMMAND...: until it succeeds
	what=$1; shift
	n=0
	until "$@"; do
		n=$((n + 1)); [ $n -lt 600 ] || fail "$what: $("$LFSPOOL" status --json | jq -c .sources) $(tail -3 "$tmp/daemon.err")"
		kill -0 "$daemon_pid" 2>/dev/null || fail "the daemon ended: $(tail -3 "$tmp/daemon.err")"
		sleep 0.1
	done
}
has_all() { # nothing is on the disk that the spool has not
	"$LFSPOOL" backfill --dry-run --json >"$tmp/ahead" 2>/dev/null
	[ $? = 3 ] && [ "$(jq .databases "$tmp/ahead")" != 0 ]
}
state() { "$LFSPOOL" status --json | jq -r "$1"; }
state_is() { [ "$(state "$1")" = "$2" ]; }
has_record() { "$LFSPOOL" export | grep -q -e "$1"; }
kill_daemon() { kill -9 "$daemon_pid"; wait "$daemon_pid" 2>/dev/null; daemon_pid=''; }

#     scenario        the files of its stream, in order
cat >"$tmp/table" <<'EOT'
abort           sse.jsonl
aborttool       sse.jsonl
autocompact     sse.jsonl
badtool         sse.jsonl
bigout          sse.jsonl
compaction      sse.jsonl
crash           sse.jsonl
crashcontinue   sse.jsonl sse.after.jsonl
dispose         sse.jsonl sse.reconnect.jsonl
empty           sse.jsonl
err400          sse.jsonl
err401          sse.jsonl
err429          sse.jsonl
err500          sse.jsonl
errctx          sse.jsonl
files           sse.jsonl
filter          sse.jsonl
fork            sse.jsonl
gitcommit       sse.jsonl
large           sse.jsonl
length          sse.jsonl
lifecycle       sse.jsonl
midstream       sse.jsonl
permalways      sse.jsonl
permission      sse.jsonl
permreject      sse.jsonl
plain           sse.jsonl
question        sse.jsonl
questionreject  sse.jsonl
queued          sse.jsonl
reasoning       sse.jsonl
revert          sse.jsonl
secrets         sse.jsonl
structured      sse.jsonl
subagent        sse.jsonl
tools           sse.jsonl
twodirs         sse.jsonl sse.other.jsonl
unicode         sse.jsonl
v2session       sse.jsonl
EOT

check_truth() { # SCENARIO [TRUTH]: of what the receiver has, the part that is this scenario's
	truth=${2:-$(fixture "$1" truth.json)}
	: >"$tmp/none"
	rm -f "$tmp/exports" "$tmp/next"
	exports="$tmp/none" next="$tmp/none"
	for n in '' .1 .2; do
		e=$(fixture "$1" "export$n.json") && cat "$e" >>"$tmp/exports" && exports=$tmp/exports
		e=$(fixture "$1" "v2messages$n.json") && cat "$e" >>"$tmp/next" && next=$tmp/next
	done
	jq -c --slurpfile truth "$truth" '[$truth[0].sessions[].id] as $ids | select(.own_session as $s | $ids | index($s))' \
		"$tmp/observations.jsonl" >"$tmp/own.jsonl"
	jq -n -r --slurpfile obs "$tmp/own.jsonl" --slurpfile truth "$truth" --slurpfile exports "$exports" --slurpfile v2 "$next" \
		-f "$srcdir/tests/t/truth.jq" >"$tmp/check.out" 2>&1
	[ ! -s "$tmp/check.out" ] || fail "$1 is not what it was: $(head -5 "$tmp/check.out")"
}
ship() {
	start_sink v4
	exits 0 "$LFSPOOL" flush --set stale_after=0s
	stop_sink
	unset LFSPOOL_LANGFUSE_HOST
	grep -q ' 0 duplicates, 0 rejected' "$tmp/sink.out" || fail "the receiver: $(cat "$tmp/sink.out")"
}

# --- every recording, while the daemon looks on, and is killed now and then; at first there is no database, and no directory
start_daemon
state_is '.sources[0].state' waiting || fail "without a database it does not wait: $("$LFSPOOL" status --json | jq -c .sources)"
mkdir -p "$data"
i=0
while read -r scenario files; do
	i=$((i + 1))
	for f in $files; do
		file=$(fixture "$scenario" "$f") || fail "$scenario has no $f"
		grow opencode.db apply "$file" 0 9
		[ $((i % 8)) = 3 ] && { kill_daemon; start_daemon; }
		grow opencode.db apply "$file" 9 100000
		[ $((i % 8)) = 7 ] && { wait_for "$scenario does not arrive" has_all; kill_daemon; start_daemon; }
	done
done <"$tmp/table"
wait_for "not all arrives" has_all
expect ok "$(state '.sources[0].state')" "state of the source"
expect "$(state '.sources[0].records')" "$("$LFSPOOL" export | grep -vc '"key":"stale:')" "records in status"
stop_daemon || fail "the daemon did not stop well"
expect off "$(state '.sources[0].state')" "state without a daemon"
ship
while read -r scenario files; do check_truth "$scenario"; done <"$tmp/table"
"$LFSPOOL" export | jq -r '"\(.key) \(.order) \(.body)"' | sort | uniq -d >"$tmp/twice"
[ ! -s "$tmp/twice" ] || fail "stored twice: $(head -c 300 "$tmp/twice")"

# --- the streams of the same sessions add only what the database does not hold
"$LFSPOOL" export | wc -l >"$tmp/count"
while read -r scenario files; do
	for f in $files; do exits 0 "$LFSPOOL" ingest "$(fixture "$scenario" "$f")"; done
done <"$tmp/table"
"$LFSPOOL" export | tail -n "+$(($(cat "$tmp/count") + 1))" | jq -c 'select(.kind != "signal") | {session, key, kind, level}' >"$tmp/more"
[ ! -s "$tmp/more" ] || fail "the streams add $(wc -l <"$tmp/more") records: $(head -3 "$tmp/more")"

# --- the real database
rm -rf "$tmp/spool" "$data"
mkdir -p "$data"
gzip -dc "$srcdir/tests/fixtures/opencode-db/opencode.db.gz" >"$data/opencode.db"
start_daemon
wait_for "the real database is not read" has_all
stop_daemon
rm -f "$tmp/observations.jsonl"
ship
truths=$srcdir/tests/fixtures/opencode-db/truth.json
jq -r '.scenarios | keys_unsorted[]' "$truths" | while read -r scenario; do
	case $scenario in fork|v2*) continue ;; esac # need documents that are not there
	jq --arg s "$scenario" '.scenarios[$s]' "$truths" >"$tmp/truth.json"
	check_truth none "$tmp/truth.json"
done || exit 1

# --- event rows that were pruned, and that were never written
rm -rf "$tmp/spool" "$data"
mkdir -p "$data"
grow opencode.db apply "$(fixture tools sse.jsonl)"
grow opencode.db sql "DELETE FROM event WHERE seq < 70"
grow opencode.db silent "$(fixture subagent sse.jsonl)" 0 50
start_daemon
wait_for "pruned events are not made good" has_all
grow opencode.db silent "$(fixture subagent sse.jsonl)" 50 100000
wait_for "what has no events is not seen" has_all
stop_daemon
rm -f "$tmp/observations.jsonl"
ship
check_truth tools
check_truth subagent

# --- a session is deleted: its records stay, and a signal says so, once
start_daemon
id=$(jq -r '.sessions[0].id' "$(fixture tools truth.json)")
before=$("$LFSPOOL" export --session "$id" | wc -l)
grow opencode.db delete "$id"
wait_for "the delete is not seen" has_record "\"key\":\"delete:$id\""
kill_daemon
start_daemon
wait_for "not all arrives" has_all
expect $((before + 1)) "$("$LFSPOOL" export --session "$id" | wc -l)" "records of a deleted session"
stop_daemon || fail "the daemon ended with $?: $(tail -3 "$tmp/daemon.err")"
# with the daemon down
id=$(jq -r '.sessions[0].id' "$(fixture subagent truth.json)")
grow opencode.db delete "$id"
start_daemon
wait_for "the delete of before is not seen" has_record "\"key\":\"delete:$id\""

# --- more databases, at once; one is nothing, and does not matter to the others
grow opencode-dev.db apply "$(fixture plain sse.jsonl)"
"$grow" "$data/opencode-local.db" "$schema" hold "$(fixture reasoning sse.jsonl)" >/dev/null 2>&1 # kills itself
[ -s "$data/opencode-local.db-wal" ] || fail "what was to be killed ended well"
echo "this is no database, however long it is looked at" >"$data/opencode-odd.db"
wait_for "the bad one is not named" state_is '[.sources[0].databases[] | select(.state == "error") | .path | sub(".*/"; "")] | join(",")' opencode-odd.db
state_is '.sources[0].state' error || fail "the source hides the bad one"
rm "$data/opencode-odd.db"
wait_for "the second database does not arrive" has_record "\"session\":\"$(jq -r '.sessions[0].id' "$(fixture plain truth.json)")\""
wait_for "what a killed OpenCode left does not arrive" has_record "\"session\":\"$(jq -r '.sessions[0].id' "$(fixture reasoning truth.json)")\""

# --- the files of before there was a database; what a database holds too is not taken from them
put_storage() { # EXPORT
	for d in session/p message part; do mkdir -p "$data/storage/$d"; done
	session=$(jq -r .info.id "$1")
	mkdir -p "$data/storage/message/$session"
	jq -c '.messages[] | .info' "$1" | while read -r info; do
		printf '%s' "$info" >"$data/storage/message/$session/$(printf '%s' "$info" | jq -r .id).json"
	done
	jq -c '.messages[].parts[]' "$1" | while read -r part; do
		printf '%s' "$part" | jq -r '"\(.messageID) \(.id)"' >"$tmp/ids"
		read -r message id <"$tmp/ids"
		mkdir -p "$data/storage/part/$message"
		printf '%s' "$part" >"$data/storage/part/$message/$id.json"
	done
	jq .info "$1" >"$data/storage/session/p/$session.json"
}
sed 's/"title": *"[^"]*"/"title":"An older copy"/' "$(fixture plain export.json)" >"$tmp/older.json"
put_storage "$tmp/older.json"
put_storage "$(fixture badtool export.json)"
stop_daemon # it would look by itself, but seldom
start_daemon
id=$(jq -r .info.id "$(fixture badtool export.json)")
wait_for "the files of before are not read" has_record "\"session\":\"$id\""
wait_for "not all arrives" has_all
expect 4 "$("$LFSPOOL" export --session "$id" | jq -c 'select(.kind == "message" and .body.role == "assistant")' | wc -l | tr -d ' ')" "messages in files"
has_record "An older copy" && fail "an older copy wins over the database"

# --- another file in the place of the first: nothing of it was deleted
grow opencode.db apply "$(fixture empty sse.jsonl)"
wait_for "not all arrives" has_record "\"session\":\"$(jq -r '.sessions[0].id' "$(fixture empty truth.json)")\""
before=$("$LFSPOOL" export | grep -c '"key":"delete:')
grow next.db apply "$(fixture length sse.jsonl)"
mv "$data/next.db" "$data/opencode.db"
rm -f "$data/opencode.db-wal" "$data/opencode.db-shm"
wait_for "the new file is not read" has_record "\"session\":\"$(jq -r '.sessions[0].id' "$(fixture length truth.json)")\""
expect "$before" "$("$LFSPOOL" export | grep -c '"key":"delete:')" "deletes after the file was replaced"
stop_daemon || fail "the daemon ended with $?: $(tail -3 "$tmp/daemon.err")"
