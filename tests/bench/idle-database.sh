#!/bin/sh
# What it costs to follow a large database in which nothing happens: CPU, wake-ups, bytes read.
#   idle-database.sh LFSPOOL SCHEMA [MB [SECONDS]]
set -u
lfspool=$1 schema=$2 mb=${3:-1000} seconds=${4:-60}
for need in sqlite3 awk; do command -v $need >/dev/null || { echo "idle database: no $need"; exit 0; }; done
tmp=$(mktemp -d "${TMPDIR:-/tmp}/lfspool-idle-XXXXXX") pid=''
trap '[ -n "$pid" ] && kill "$pid"; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
export HOME="$tmp" XDG_DATA_HOME="$tmp/data" LFSPOOL_SPOOL_DIR="$tmp/spool"
db=$XDG_DATA_HOME/opencode/opencode.db
mkdir -p "$XDG_DATA_HOME/opencode"
# 10 kB an event, 200 a session; all from the week before.
{
	echo "pragma journal_mode=wal;"
	cat "$schema"
	cat <<-EOT
	create temp table n as with recursive c(i) as (select 1 union all select i + 1 from c where i < $mb * 100) select i from c;
	create temp table s as select distinct i / 200 as i, printf('ses_%026d', i / 200) as id, (unixepoch() - 7 * 86400) * 1000 + i as t from n group by i / 200;
	insert into project(id, worktree, time_created, time_updated, sandboxes) select 'p', '/d', min(t), min(t), '[]' from s;
	insert into session(id, project_id, slug, directory, title, version, time_created, time_updated) select id, 'p', 's', '/d', 't', '1', t, t from s;
	insert into event_sequence(aggregate_id, seq) select id, 199 from s;
	insert into event(id, aggregate_id, seq, type, data) select printf('evt_%026d', i), printf('ses_%026d', i / 200), i % 200, 'message.part.updated.1',
		'{"sessionID":"' || printf('ses_%026d', i / 200) || '","part":{"type":"text","text":"' || hex(zeroblob(4900)) || '"}}' from n;
	pragma wal_checkpoint(truncate);
	EOT
} | sqlite3 "$db" >"$tmp/made" 2>&1
sqlite3 "$db" 'select count(*) from event' | grep -q "^$((mb * 100))$" || { echo "idle database: $(head -3 "$tmp/made")"; exit 1; }

figures() { # CPU ticks, voluntary switches, bytes asked for, bytes from the disk
	cpu=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	switches=$(cat /proc/"$pid"/task/*/status | awk '/^voluntary/ { n += $2 } END { print n }')
	awk -v cpu="$cpu" -v switches="$switches" '/^rchar|^read_bytes/ { n[$1] = $2 } END { print cpu, switches, n["rchar:"], n["read_bytes:"] }' "/proc/$pid/io"
}
"$lfspool" run >"$tmp/out" 2>&1 &
pid=$!
n=0
until "$lfspool" status --json 2>/dev/null | grep -q 'opencode\.db'; do n=$((n + 1)); [ $n -lt 300 ] || { cat "$tmp/out"; exit 1; }; sleep 0.2; done
sleep 5
before=$(figures)
sleep "$seconds"
echo "$before $(figures)" | awk -v mb="$(du -m "$db" | cut -f1)" -v s="$seconds" -v hz="$(getconf CLK_TCK)" -v rss="$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")" \
	'{ printf "idle database of %d MB, %d s: %.2f s CPU, %.1f wake-ups/s, %d bytes read, %d from the disk, %d kB resident\n", mb, s, ($5 - $1) / hz, ($6 - $2) / s, $7 - $3, $8 - $4, rss }'
