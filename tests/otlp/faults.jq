# Were the requests what the answers to the ones before allow? jq -n -r -f faults.jq otlp.jsonl; prints what was not ("bad: …"), then the
# sums of what a collector has for good, "name attributes value" times 1e9. By the tables of OTLP's specification; for differences.
def fate: .answer as $a
  | if $a.reset or $a.hang then "again"
    elif $a.code then
      if $a.code == 8 then (if $a.retryMs then "again" else "merged" end)
      elif [1, 4, 10, 11, 14, 15] | index($a.code) then "again"
      elif $a.code == 3 then "refused" else "merged" end
    elif $a.status then
      if [429, 502, 503, 504] | index($a.status) then "again"
      elif [400, 413] | index($a.status) then "refused" else "merged" end
    else "settled" end;
def differences: [.items[] | select(.temporality == 1) | .name as $name | .points[]
  | { name: $name, attributes, start: .startTimeUnixNano, time: .timeUnixNano, value: (.value // [.sum, .count, .bucketCounts]) }];
def wait_ms: .answer | .retryMs // ((.headers["retry-after"] // "0") | tonumber * 1000);
[inputs | select(.signal == "metrics") | { n, at, fate: fate, wait: (if fate == "again" then wait_ms else 0 end), differences: differences } | select(.differences != [])
 | . + { start: .differences[0].start, time: .differences[0].time }] as $all
| (range(1; $all | length) as $i | $all[$i - 1] as $a | $all[$i] as $b
   | if $a.fate == "again" and $a.differences != $b.differences then "bad: \($a.n) was to be tried again as it was, \($b.n) is another"
     elif $a.fate == "merged" and ($b.start != $a.start or $b.time <= $a.time) then "bad: \($a.n) was held: \($b.n) does not begin where it began"
     elif ($a.fate == "settled" or $a.fate == "refused") and $b.start != $a.time then "bad: \($a.n) was done with: \($b.n) does not begin where it ended"
     elif $b.at - $a.at < $a.wait - 20 then "bad: \($b.n) came \($b.at - $a.at) ms after \($a.n), which asked for \($a.wait)"
     else empty end),
  ([$all[] | select(.fate == "settled") | .differences[] | select((.value | type) == "number") | select(.name | startswith("lfspool.") | not)]
   | group_by([.name, .attributes])[] | "\(.[0].name) \(.[0].attributes | tojson) \(map(.value) | add * 1e9 | round)")
