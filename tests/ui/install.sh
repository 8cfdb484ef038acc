# Chromium, and its driver from npm, kept below the build directory: sets $chromium and $playwright. Skips the test where that cannot be had.
# shellcheck shell=sh
version=$(sed -n 's/.*"playwright-core": "\([0-9.]*\)".*/\1/p' "$srcdir/tests/ui/package.json")
playwright=${builddir:-$tmp}/tests/npm-playwright-$version
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip "no Chromium (package chromium)"
have node && have npm || skip "no npm"
node -e 'process.exit(typeof fetch === "function" ? 0 : 1)' || skip "node is too old"
mkdir -p "$playwright"
exec 9>"$playwright/lock"
flock 9 # two tests may want it at the same time
if [ ! -d "$playwright/node_modules/playwright-core" ]; then
	cat "$srcdir/tests/ui/package.json" >"$playwright/package.json"
	(cd "$playwright" && npm install --no-audit --no-fund --silent --prefer-offline --fetch-retries=1) >"$tmp/npm" 2>&1 ||
		skip "npm cannot install playwright-core: $(tail -1 "$tmp/npm")"
fi
exec 9>&-
export PLAYWRIGHT="$playwright" CHROMIUM="$chromium"
"$chromium" --headless --no-sandbox --disable-gpu --user-data-dir="$tmp/chromium" --dump-dom 'data:text/html,works' >"$tmp/dom" 2>"$tmp/chromium.err" </dev/null
grep -q works "$tmp/dom" || skip "Chromium does not run here: $(tail -2 "$tmp/chromium.err")"
