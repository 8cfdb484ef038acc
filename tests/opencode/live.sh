#!/bin/sh
# The real OpenCode, with a model that plays parts, while the daemon follows its database: what `opencode export` says of a session is
# what the spool has. Needs node, npm and the registry (or what was fetched before).
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
have setsid || skip "no setsid"
. "$srcdir/tests/opencode/install.sh"

model_pid='' stuck_pid=''
trap 'for p in $model_pid; do kill "$p" 2>/dev/null; done; for p in $stuck_pid; do kill -9 -"$p" 2>/dev/null; done; cleanup' EXIT
node "$srcdir/tests/opencode/model.mjs" >"$tmp/port" &
model_pid=$!
n=0
until [ -s "$tmp/port" ]; do n=$((n + 1)); [ $n -lt 200 ] || fail "the model does not start"; sleep 0.1; done

# OpenCode's world
project=$tmp/project data=$XDG_DATA_HOME/opencode
export XDG_CACHE_HOME="$tmp/cache" OPENCODE_DISABLE_AUTOUPDATE=1 OPENCODE_DISABLE_MODELS_FETCH=1 OPENCODE_DISABLE_LSP_DOWNLOAD=1 OPENCODE_DISABLE_SHARE=1
mkdir -p "$project" "$XDG_CONFIG_HOME/opencode/node_modules"
echo text >"$project/note.txt"
# its plugin package, which it would fetch by itself
printf '{"dependencies":{"@opencode-ai/plugin":"%s"}}\n' "$version" >"$XDG_CONFIG_HOME/opencode/package.json"
for p in "$cache"/node_modules/*; do ln -s "$p" "$XDG_CONFIG_HOME/opencode/node_modules/"; done
cat >"$XDG_CONFIG_HOME/opencode/opencode.json" <<EOT
{"autoupdate": false, "share": "disabled", "model": "stage/player", "small_model": "stage/player", "enabled_providers": ["stage"],
 "provider": {"stage": {"npm": "@ai-sdk/openai-compatible", "name": "Stage",
   "options": {"baseURL": "http://127.0.0.1:$(cat "$tmp/port")/v1", "apiKey": "none"},
   "models": {"player": {"name": "Player", "tool_call": true, "reasoning": true, "limit": {"context": 100000, "output": 4096},
     "cost": {"input": 2, "output": 8}}}}}}
EOT

play() { # NAME: plays a part to its end
	(cd "$project" && timeout 120 "$opencode" run --format json "play $1" </dev/null) >"$tmp/play.$1" 2>"$tmp/play.err" ||
		fail "opencode run: $(tail -3 "$tmp/play.err") $(tail -3 "$tmp/play.$1")"
}
wait_for() { # WHAT COMMAND...
	what=$1; shift
	n=0
	until "$@"; do
		n=$((n + 1)); [ $n -lt 600 ] || fail "$what: $("$LFSPOOL" status --json | jq -c .sources)"
		sleep 0.1
	done
}
has_all() { "$LFSPOOL" backfill --dry-run --json >"$tmp/ahead" 2>/dev/null; [ $? = 3 ] && [ "$(jq .databases "$tmp/ahead")" != 0 ]; }
sessions() { "$LFSPOOL" export | jq -r .session | sort -u; }
same_as_export() { # SESSION WHAT: nothing in the export that the spool has not, and as many messages and parts
	(cd "$project" && "$opencode" export "$1" </dev/null) >"$tmp/export.json" 2>/dev/null || fail "opencode export $1"
	jq -e .info.id "$tmp/export.json" >/dev/null || fail "$2: no export of $1"
	exits 0 "$LFSPOOL" ingest --json "$tmp/export.json"
	expect 0 "$(jq .stored "$tmp/out")" "$2: records that the export has and the spool had not"
	expect "$(jq '[.messages[].info.id] | unique | length' "$tmp/export.json")" \
		"$("$LFSPOOL" export --session "$1" | jq -r 'select(.kind == "message") | .key' | sort -u | wc -l | tr -d ' ')" "$2: messages"
	expect "$(jq '[.messages[].parts[] | select(.type == "tool") | .id] | unique | length' "$tmp/export.json")" \
		"$("$LFSPOOL" export --session "$1" | jq -r 'select(.kind == "part" and .body.type == "tool") | .key' | sort -u | wc -l | tr -d ' ')" "$2: tools"
}

start_daemon
for part in plain parallel agents; do
	sessions >"$tmp/before"
	play $part
	wait_for "$part does not arrive" has_all
	sessions | comm -13 "$tmp/before" - >"$tmp/new"
	case $part in agents) want=3 ;; *) want=1 ;; esac
	expect $want "$(wc -l <"$tmp/new" | tr -d ' ')" "$part: sessions"
	while read -r id; do same_as_export "$id" $part; done <"$tmp/new"
done
[ "$("$LFSPOOL" export | jq -c 'select(.kind == "part" and .link)' | wc -l)" -ge 2 ] || fail "no tool names its sub-agent"

# --- OpenCode is killed while a tool runs
sessions >"$tmp/before"
(cd "$project" && exec setsid "$opencode" run --format json "play stuck" </dev/null >"$tmp/stuck" 2>&1) &
stuck_pid=$!
is_stuck() { "$LFSPOOL" export | grep -q '"status":"running".*sleep 300'; }
wait_for "the running tool is not seen" is_stuck
kill -9 -"$stuck_pid" || fail "OpenCode was not killed"
wait "$stuck_pid" 2>/dev/null
stuck_pid=''
[ -s "$data/opencode.db-wal" ] || fail "a killed OpenCode leaves no -wal file"
wait_for "what it left is not read" has_all
id=$(sessions | comm -13 "$tmp/before" -)
stop_daemon || fail "the daemon ended with $?"
start_sink v4
exits 0 "$LFSPOOL" flush --set stale_after=0s
stop_sink
expect interrupted "$(jq -r --arg id "$id" 'select(.own_session == $id and .name == "tool-bash") | .status' "$tmp/observations.jsonl")" "the tool that was killed"
expect 0 "$(jq -r 'select(.level == "ERROR" and .name == "assistant-response") | .name' "$tmp/observations.jsonl" | wc -l | tr -d ' ')" "errors"
# it goes on in a new process
(cd "$project" && timeout 120 "$opencode" run --session "$id" --format json "play plain" </dev/null) >"$tmp/on" 2>&1 || fail "opencode run --session: $(tail -2 "$tmp/on")"
start_daemon
wait_for "the session that goes on does not arrive" has_all
same_as_export "$id" "the session that goes on"
stop_daemon || fail "the daemon ended with $?"
