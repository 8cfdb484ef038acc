#!/bin/sh
# Old sessions leave the machine when they are asked for, and not before: the first start, `lfspool backfill`, with the daemon and without.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
grow=$builddir/tests/database/grow
schema=$srcdir/tests/fixtures/opencode-db/schema.sql
db=$XDG_DATA_HOME/opencode/opencode.db
young=ses_e0372ac5bffeeMbO9Pykm3WwG9
export LFSPOOL_STALE_AFTER=30d # the daemon says so at a time of its own

sql() { "$grow" "$db" "$schema" sql "$1" >/dev/null || fail "$1"; }
sessions() { "$LFSPOOL" show --json 2>/dev/null | jq -s 'length'; }
records() { "$LFSPOOL" export 2>/dev/null | wc -l | tr -d ' '; }
wait_for() { # WHAT COMMAND...
	what=$1; shift
	n=0
	until "$@"; do
		n=$((n + 1)); [ $n -lt 300 ] || fail "$what: $("$LFSPOOL" status --json | jq -c .sources)"
		sleep 0.1
	done
}
looked() { [ "$("$LFSPOOL" status --json | jq -r '.sources[0].databases[0].state')" = ok ]; }
new_database() { # all sessions are a week old but for one
	rm -rf "$tmp/spool" "$tmp/data"
	mkdir -p "${db%/*}"
	gzip -dc "$srcdir/tests/fixtures/opencode-db/opencode.db.gz" >"$db"
	sql "UPDATE session SET time_created=(strftime('%s','now')-604800)*1000, time_updated=(strftime('%s','now')-604800)*1000;
	     UPDATE message SET time_created=(strftime('%s','now')-604800)*1000; UPDATE session_message SET time_created=(strftime('%s','now')-604800)*1000;
	     UPDATE session SET time_updated=(strftime('%s','now')-3600)*1000 WHERE id='$young'"
}
keys() { "$LFSPOOL" export | jq -c '{key, body}' | sort; }

# --- wrong use, and nothing there
exits 2 "$LFSPOOL" backfill --source nobody
exits 2 "$LFSPOOL" backfill --since soon
exits 3 "$LFSPOOL" backfill
says "no database"

# --- without a daemon: all of it, once
new_database
exits 0 "$LFSPOOL" backfill --dry-run --json
expect '12 499' "$(jq -r '"\(.sessions) \(.events)"' "$tmp/out")" "dry run"
[ "$(records)" = 0 ] || fail "a dry run stored something"
exits 0 "$LFSPOOL" backfill --json
expect '12 499' "$(jq -r '"\(.sessions) \(.events)"' "$tmp/out")" "backfill"
expect "$(jq .stored "$tmp/out")" "$(records)" "records"
keys >"$tmp/all"
exits 3 "$LFSPOOL" backfill --json
expect '0 0' "$(jq -r '"\(.sessions) \(.stored)"' "$tmp/out")" "second backfill"
[ ! -s "$tmp/err" ] || fail "progress where nobody looks: $(cat "$tmp/err")"
start_daemon
wait_for "the daemon does not look" looked
stop_daemon
expect "$(wc -l <"$tmp/all" | tr -d ' ')" "$(records)" "records after the daemon has looked"

# --- the first start takes the young one only
new_database
start_daemon
wait_for "the daemon does not look" looked
expect "$young" "$("$LFSPOOL" export | jq -r .session | sort -u)" "sessions of the first start"
# an old one goes on: what is new is taken, not what was before
old=ses_e03728a09ffenbJzaky8VoLchL
sql "INSERT INTO event SELECT 'evt_1fc8ffffffff000000000000aa', aggregate_id, 34, type,
       replace(data, '\"cost\":', '\"went\":\"on\",\"cost\":') FROM event WHERE aggregate_id='$old' AND seq=(SELECT max(seq) FROM event WHERE aggregate_id='$old' AND type LIKE 'message.updated%');
     UPDATE event_sequence SET seq=34 WHERE aggregate_id='$old'"
has_old() { [ "$("$LFSPOOL" export --session $old | wc -l | tr -d ' ')" -gt 0 ]; }
wait_for "an old session that goes on is not seen" has_old
[ "$("$LFSPOOL" export --session $old | wc -l | tr -d ' ')" -lt 4 ] || fail "an old session was taken from its beginning"
# in the newer runtime, too, whose events are understood by those before them
next=ses_e0371e8eeffeJy57b4ll50pBG7
sql "INSERT INTO event SELECT 'evt_1fc8ffffffff000000000000ab', aggregate_id, 7, type, replace(replace(data, data->>'$.messageID', 'msg_later'), 'v2 hello', 'later')
       FROM event WHERE aggregate_id='$next' AND type LIKE 'session.next.prompted%';
     UPDATE event_sequence SET seq=7 WHERE aggregate_id='$next'"
has_next() { [ "$("$LFSPOOL" export --session $next | wc -l | tr -d ' ')" -gt 0 ]; }
wait_for "an old session of the newer runtime that goes on is not seen" has_next
"$LFSPOOL" export --session $next | grep -q 'v2 hello' && fail "an old prompt was taken"
# a restart does not change what is left out
stop_daemon
start_daemon
wait_for "the daemon does not look" looked
[ "$(sessions)" -le 3 ] || fail "a restart takes old sessions"

# --- then they are asked for, of the daemon
exits 3 "$LFSPOOL" backfill --since 3d
exits 0 "$LFSPOOL" backfill --dry-run --json
expect 11 "$(jq .sessions "$tmp/out")" "sessions that were left out"
exits 0 "$LFSPOOL" backfill --since 2w
keys | grep -v msg_later >"$tmp/asked"
cmp -s "$tmp/all" "$tmp/asked" || fail "not what a backfill without a daemon gives: $(diff "$tmp/all" "$tmp/asked" | cut -c1-300 | head -4)"
exits 3 "$LFSPOOL" backfill
stop_daemon

# --- killed half way, again and again, by a rate that lets it be seen: each thing is there once
new_database
n=0
while [ $n -lt 6 ]; do
	"$LFSPOOL" backfill --set backfill_rate=400 >/dev/null 2>&1 &
	pid=$!
	sleep 0.2
	kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
	n=$((n + 1))
done
"$LFSPOOL" backfill >"$tmp/out" 2>&1; rc=$?
[ $rc = 0 ] || [ $rc = 3 ] || fail "backfill after kills: $(cat "$tmp/out")"
keys >"$tmp/killed"
cmp -s "$tmp/all" "$tmp/killed" || fail "after kills not the same: $(diff "$tmp/all" "$tmp/killed" | cut -c1-300 | head -4)"
exit 0
