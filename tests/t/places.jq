# Plants a made-up secret of changing kind in every string of every value but ids, types and states, and in a
# key of every object that is content. `input_line_number` makes each one different.
# Pieces are joined here, so that no line of this file looks like a key.
def pad: tostring | ("000000" + .)[-6:];
def random($n): "Z9y8" + ($n | pad) + "kW3v" + ($n * 7919 % 1000000 | pad) + "bT5r" + ($n * 104729 % 1000000 | pad) + "pL1mQ6";
def secret($n):
  random($n) as $r
  | [ "gh" + "p_" + $r, "sk-" + "ant-api03-" + $r, "DB_PASS" + "WORD=" + $r, "postgres://u:" + $r + "@db/x",
      "Authorization: " + "Bearer " + $r,
      "-----BEGIN RSA PRIVATE " + "KEY-----\n" + $r + $r + "\n-----END RSA PRIVATE " + "KEY-----",
      "np" + "m_" + $r, "--pass" + "word " + $r, "{\"api" + "Key\":\"" + $r + "\"}", "https://h/?access_" + "token=" + $r ][$n % 10];
def structural: IN("type", "role", "status", "id", "sessionID", "messageID", "parentID", "callID", "partID", "requestID",
                   "sessionId", "messageId", "timestamp", "uuid", "parentUuid", "leafUuid", "messageUuid",
                   "subtype", "agentId", "toolUseId", "tool_use_id", "parentToolUseID", "lastComputedDate", "modified", "event", "aggregateID", "hash", "kind");
. as $event
| [paths(type == "string") | select(.[-1] | (type == "string" and structural) | not)] as $places
| reduce range($places | length) as $i ($event;
    setpath($places[$i]; getpath($places[$i]) + " " + secret(input_line_number * 97 + $i)))
| [paths(type == "object") | select(any(.[]; . == "input" or . == "metadata"))] as $objects
| reduce range($objects | length) as $i (.;
    setpath($objects[$i] + ["gh" + "p_" + random(500000 + input_line_number * 13 + $i)]; 1))
