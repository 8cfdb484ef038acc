# The metrics of one line of collector.js as `lfspool metrics` writes them: jq -r -f metrics.jq. Gauges of lfspool itself are left out,
# they move from one moment to the next.
def suffix: { ms: "_seconds", s: "_seconds", By: "_bytes", tokens: "_tokens", USD: "_USD" }[.] // "";
def divisor: if . == "ms" then 1000 else 1 end;
def labels($more): [to_entries[] | { key: (.key | gsub("[^A-Za-z0-9_]"; "_")), value: (.value | tostring) }] + $more
  | if length == 0 then "" else "{\(map("\(.key)=\(.value | tojson)") | join(","))}" end;
def le($text): [{ key: "le", value: $text }];
[.items[] | select(.kind != "gauge" or (.name | startswith("lfspool.") | not))
  | (.unit | suffix) as $suffix | (.unit | divisor) as $divisor | .kind as $kind
  | (.name | gsub("[^A-Za-z0-9_]"; "_") | if $kind != "histogram" then rtrimstr("_total") else . end | if $suffix == "" or endswith($suffix) then . else . + $suffix end) as $name
  | .points[] | .attributes as $a
  | if $kind == "histogram" then
      . as $p | ([.bucketCounts[] | tonumber]) as $counts
      | ("\($name)_sum\($a | labels([])) \(.sum / $divisor)", "\($name)_count\($a | labels([])) \(.count)"),
        (range($counts | length) as $i | "\($name)_bucket\($a | labels(le(if $i < ($p.explicitBounds | length) then $p.explicitBounds[$i] / $divisor | tostring else "+Inf" end))) \($counts[:$i + 1] | add)")
    elif $kind == "sum" then "\($name)_total\($a | labels([])) \(.value / $divisor)"
    else "\($name)\($a | labels([])) \(.value / $divisor)" end]
| sort[]
