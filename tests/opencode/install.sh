# OpenCode from npm with its plugin package (which it would fetch by itself), kept below the build directory: sets $version, $cache and
# $opencode. Skips the test where that cannot be had.
# shellcheck shell=sh
version=1.18.33
cache=${builddir:-$tmp}/tests/npm-opencode-$version
opencode=$cache/node_modules/.bin/opencode
have node && have npm || skip "no npm"
have git || skip "no git"
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # two tests may want it at the same time
if [ ! -x "$opencode" ] || [ ! -d "$cache/node_modules/@opencode-ai/plugin" ]; then
	(cd "$cache" && echo '{"private":true}' >package.json && npm install --no-audit --no-fund --silent --prefer-offline --fetch-retries=1 \
		"opencode-ai@$version" "@opencode-ai/plugin@$version") \
		>"$tmp/npm" 2>&1 || skip "npm cannot install opencode-ai: $(tail -1 "$tmp/npm")"
fi
exec 9>&-
[ "$("$opencode" --version 2>"$tmp/npm")" = "$version" ] || skip "OpenCode does not run here: $(head -3 "$tmp/npm")"
