// The receiver's page in a real browser. Arguments: URL, the observations that it stored, the truth of the recording, the hostile title.
// Prints what is wrong; exit 0 when nothing is.
import { readFileSync } from 'node:fs';
import { launch } from './browser.mjs';

const [url, observationsFile, truthFile, evilTitle, lfspool] = process.argv.slice(2);
const origin = new URL(url).origin;
const bad = [];
const check = (what, good, ...more) => { if (!good) bad.push([what, ...more.map(m => JSON.stringify(m))].join(' ')); };
const equal = (what, got, want) => check(what, JSON.stringify(got) === JSON.stringify(want), 'expected', want, 'got', got);
const observations = readFileSync(observationsFile, 'utf8').trim().split('\n').map(line => JSON.parse(line));
const truth = JSON.parse(readFileSync(truthFile, 'utf8'));

const browser = await launch('--host-resolver-rules=MAP rebind.example 127.0.0.1');
const context = await browser.newContext({ viewport: { width: 1400, height: 800 }, colorScheme: 'light' });
const page = await context.newPage();
page.setDefaultTimeout(120000);
const asked = [], said = [];
page.on('request', request => asked.push(request.url()));
page.on('console', message => said.push(message.text()));
page.on('pageerror', error => said.push(error.message));
page.on('dialog', dialog => { said.push('dialog ' + dialog.message()); dialog.dismiss(); });
await page.addInitScript(() => {
	window.violations = [];
	document.addEventListener('securitypolicyviolation', event => window.violations.push(event.violatedDirective + ' ' + event.blockedURI));
});

const rows = () => page.$$eval('#tree .item', all => all.map(row => ({
	span: row.dataset.span, level: Number(row.getAttribute('aria-level')), name: row.querySelector('.name .clip').textContent,
	took: row.children[2].textContent, tokens: row.children[3].textContent, cost: row.children[4].textContent,
	left: row.querySelector('.bar i').getBoundingClientRect().left - row.querySelector('.bar').getBoundingClientRect().left,
	width: row.querySelector('.bar i').getBoundingClientRect().width, whole: row.querySelector('.bar').getBoundingClientRect().width,
	marks: row.querySelector('.shield')?.textContent ?? '',
})));
const trace = async title => {
	await page.getByRole('option').filter({ hasText: title }).first().click();
	await page.waitForFunction(t => document.querySelector('#title').textContent.includes(t), title);
};

// ---- the page itself ----
const answer = await page.goto(url);
const policy = answer.headers()['content-security-policy'];
for (const part of ["default-src 'none'", "script-src 'nonce-", "style-src 'nonce-", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"])
	check('the policy lacks', policy.includes(part), part, policy);
check('the policy is weak', !/unsafe|\*/.test(policy), policy);
const nonce = answer.headers()['content-security-policy'].match(/nonce-([0-9a-f]{32})/)[1];
check('two answers have the same nonce', !(await (await fetch(url)).headers.get('content-security-policy')).includes(nonce));
await page.waitForSelector('#traces .item');

// ---- tree and timeline against the recording ----
await trace(truth.title);
await page.waitForSelector('#tree .item');
const mine = observations.filter(o => o.title === truth.title), byId = new Map(mine.map(o => [o.span, o]));
const shown = await rows();
const depth = o => o.parent && byId.has(o.parent) ? depth(byId.get(o.parent)) + 1 : 1;
equal('the spans of the tree', shown.map(r => r.span).sort(), mine.map(o => o.span).sort());
const t0 = Math.min(...mine.map(o => o.start)), t1 = Math.max(...mine.map(o => o.end || o.start));
for (const [i, row] of shown.entries()) {
	const o = byId.get(row.span);
	if (!o) continue;
	equal('name of ' + row.span, row.name, o.name);
	equal('level of ' + o.name, row.level, depth(o));
	const above = shown.slice(0, i).reverse().find(r => r.level === row.level - 1);
	equal('parent of ' + o.name, above ? above.span : '', o.parent && byId.has(o.parent) ? o.parent : '');
	const left = (o.start - t0) / (t1 - t0) * row.whole, width = Math.max(3, ((o.end || o.start) - o.start) / (t1 - t0) * row.whole);
	check('place of the bar of ' + o.name, Math.abs(row.left - Math.min(left, row.whole - 3)) < 1.5, row.left, left);
	check('length of the bar of ' + o.name, Math.abs(row.width - width) < 1.5, row.width, width);
}
const sum = (list, f) => list.reduce((a, b) => a + f(b), 0);
const answers = shown.filter(r => r.name === 'assistant-response');
equal('generations', answers.length, truth.totals.generations);
equal('turns', shown.filter(r => r.name === 'turn').length, truth.totals.userMessages);
equal('input tokens', sum(answers, r => Number(r.tokens.split(' / ')[0])), truth.totals.tokens.input);
equal('output tokens', sum(answers, r => Number(r.tokens.split(' / ')[1])), truth.totals.tokens.output + truth.totals.tokens.reasoning);
check('cost', Math.abs(sum(answers, r => Number(r.cost.slice(1))) - truth.totals.cost) < 1e-9, answers.map(r => r.cost), truth.totals.cost);
for (const [tool, states] of Object.entries(truth.totals.toolCalls))
	equal('calls of ' + tool, shown.filter(r => r.name === 'tool-' + tool).length, sum(Object.values(states), n => n));

// ---- what was redacted, and by which rule ----
const markers = list => list.flatMap(o => ['name', 'title', 'status', 'input', 'output', 'metadata', 'model_parameters'].flatMap(k => o[k] === undefined ? [] : [...JSON.stringify(o[k]).matchAll(/\[REDACTED:([^\]]+)\]/g)].map(m => m[1])));
const want = {};
for (const rule of markers(observations)) want[rule] = (want[rule] || 0) + 1;
check('the recording has no secrets', Object.keys(want).length > 5, want);
const chips = await page.$$eval('#rules button', all => all.map(b => b.textContent));
equal('the rules', [...chips].sort(), Object.entries(want).map(([rule, n]) => rule + ' × ' + n).sort());
const secret = observations.find(o => o.name.startsWith('tool-') && markers([o]).length);
await page.locator(`#rules button[data-rule="${markers([secret])[0]}"]`).click();
await page.waitForFunction(id => document.querySelector(`#tree [data-span="${id}"]`), secret.span);
check('a span without it is shown', (await rows()).every(r => r.marks !== '' || observations.some(o => o.parent === r.span)));
await page.locator(`#tree [data-span="${secret.span}"]`).click();
await page.waitForSelector('#detail mark');
const marked = await page.$$eval('#detail mark', all => all.map(m => [m.textContent, m.title]));
check('the marks do not name the rule', marked.every(([text, title]) => text === '[REDACTED:' + title.replace('taken out by rule ', '') + ']'), marked);
await page.locator('#detail summary').click();
const raw = await page.$eval('#detail details pre', pre => pre.textContent);
equal('the raw span', JSON.parse(raw).observation.span, secret.span);
await page.locator('#rules button[aria-pressed=true]').click();

// ---- what a session says stays text ----
await trace('pwned');
const evil = await page.$eval('#traces .picked .clip', e => ({ text: e.textContent, children: [...e.children].map(c => c.tagName + '.' + c.className) }));
equal('the hostile title', evil.text, [...evilTitle].map(c => c === '\u202e' || c === '\u200f' ? 'U+' + c.codePointAt(0).toString(16).toUpperCase() : c).join(''));
equal('what is made of it', [...new Set(evil.children)], ['SPAN.ctl']);
let said_it = 0;
for (const [i, row] of (await rows()).entries()) {
	await page.locator('#tree-' + i).click();
	await page.waitForFunction(id => document.querySelector('#detail details') && document.querySelector('#detail').textContent.includes(id), row.span);
	said_it += await page.$eval('#detail', e => e.textContent.includes('<script>window.pwned=1</script><img src=x onerror=') ? 1 : 0);
}
check('no span shows the hostile words', said_it > 1, said_it);
const all = (await rows()).length;
await page.locator('#tree-0').dblclick();
check('closed by a double click', (await rows()).length < all, (await rows()).length, all);
await page.locator('#tree-0 .twist').click();
equal('opened by its sign', (await rows()).length, all);
equal('elements of a stranger', await page.$$eval('body script:not([nonce]), img, iframe, object, embed, form, svg, a, body style, base, meta[http-equiv]', all => all.map(e => e.outerHTML)), []);
equal('what ran', await page.evaluate(() => window.pwned ?? null), null);
check('characters that turn the line round', !/[\u202a-\u202e\u2066-\u2069\u200f]/.test(await page.$eval('body', b => b.innerText)));

// ---- keys ----
await page.locator('#traces').focus();
await page.keyboard.press('Home');
await page.keyboard.press('ArrowDown');
equal('picked with the arrow', await page.$eval('#traces .picked', e => e.id), 'traces-1');
await page.keyboard.press('Enter');
equal('focus', await page.evaluate(() => document.activeElement.id), 'tree');
await page.keyboard.press('ArrowDown');
const before = (await rows()).length;
equal('active row', await page.$eval('#tree', t => document.getElementById(t.getAttribute('aria-activedescendant')).getAttribute('aria-selected')), 'true');
await page.keyboard.press('Home');
await page.keyboard.press('ArrowLeft');
check('the tree closes', (await rows()).length < before, (await rows()).length, before);
equal('it says so', await page.$eval('#tree .picked', e => e.getAttribute('aria-expanded')), 'false');
await page.keyboard.press('ArrowRight');
equal('and opens', (await rows()).length, before);
await page.keyboard.press('Enter');
equal('focus on the span', await page.evaluate(() => document.activeElement.id), 'detail');
await page.keyboard.press('/');
equal('focus on the filter', await page.evaluate(() => document.activeElement.id), 'filter');
await page.keyboard.type('no such span at all');
await page.waitForFunction(() => document.querySelectorAll('#tree .item').length === 0);
await page.fill('#filter', '');
await page.waitForFunction(n => document.querySelectorAll('#tree .item').length === n, before);

// ---- both schemes can be read ----
const contrast = () => page.evaluate(() => {
	const rgb = text => (text.match(/[\d.]+/g) || []).map(Number);
	const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((a, v, i) => a + v * [.2126, .7152, .0722][i], 0);
	const below = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > .9) return c; } return [255, 255, 255]; };
	const poor = [];
	for (const e of document.querySelectorAll('h1, h1 small, .figures span, #rules button, #traces .clip, #traces .facts span, #tree .clip, #tree .num, .shield, #detail dt, #detail dd, #detail pre, #detail mark')) {
		if (!e.textContent || !e.offsetParent) continue;
		const a = light(rgb(getComputedStyle(e).color)), b = light(below(e)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		if (ratio < 4.5) poor.push(e.tagName + '.' + e.className + ' ' + ratio.toFixed(2) + ' ' + e.textContent.slice(0, 20));
	}
	return { poor: [...new Set(poor)], body: getComputedStyle(document.body).backgroundColor };
});
await trace('secrets');
await page.locator('#tree .item').nth(2).click();
await page.waitForSelector('#detail mark');
const byDay = await contrast();
await page.emulateMedia({ colorScheme: 'dark' });
const byNight = await contrast();
equal('too faint by day', byDay.poor, []);
equal('too faint by night', byNight.poor, []);
check('there is no dark scheme', byDay.body !== byNight.body);

// ---- ten thousand spans arrive while we look ----
const hex = (n, length) => n.toString(16).padStart(length, '0');
const many = 10000, start = 1800000000000;
for (let from = 0; from < many; from += 2500) {
	const spans = Array.from({ length: 2500 }, (_, k) => from + k).map(n => ({
		traceId: hex(7, 32), spanId: hex(n + 1, 16), parentSpanId: n === 0 ? undefined : hex(n < 400 ? n : n % 400 + 1, 16), name: 'step ' + n,
		startTimeUnixNano: String((start + n * 10) * 1e6), endTimeUnixNano: String((start + n * 10 + 500) * 1e6), attributes: [{ key: 'langfuse.trace.name', value: { stringValue: 'A long day' } }],
	}));
	const posted = await fetch(origin + '/api/public/otel/v1/traces', { method: 'POST', body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }),
		headers: { 'content-type': 'application/json', authorization: 'Basic ' + Buffer.from('test-public:test-secret-value').toString('base64'), 'x-langfuse-ingestion-version': '4' } });
	equal('the receiver takes them', posted.status, 200);
}
await page.getByRole('option').filter({ hasText: 'A long day' }).waitFor();
await trace('A long day');
await page.waitForFunction(n => document.querySelector('#tree').getAttribute('aria-rowcount') === String(n), many);
check('rows that cannot be seen exist', (await page.$$('#tree .item')).length < 100, (await page.$$('#tree .item')).length);
await page.locator('#tree').focus();
await page.keyboard.press('End');
await page.waitForSelector(`#tree .picked[aria-rowindex="${many}"]`);
await page.waitForFunction(() => { const r = document.querySelector('#tree .picked').getBoundingClientRect(), b = document.querySelector('#tree').getBoundingClientRect(); return r.bottom <= b.bottom + 1 && r.top >= b.top; });
check('a row is too wide', await page.evaluate(() => document.querySelector('#tree').scrollWidth <= document.querySelector('#tree').clientWidth));

// ---- who may ask ----
equal('what the page said', said, []);
equal('violations of the policy', await page.evaluate(() => window.violations), []);
equal('asked elsewhere', asked.filter(u => !u.startsWith(origin + '/') && !u.startsWith('data:')), []);
const ran = await page.evaluate(() => {
	try { const script = document.createElement('script'); script.textContent = 'window.pwned = 3'; document.body.append(script); } catch { /* trusted types */ }
	const image = document.createElement('img');
	image.src = 'http://127.0.0.1:1/';
	document.body.append(image);
	return window.pwned ?? null;
});
equal('a script that was slipped in', ran, null);
await page.waitForFunction(() => window.violations.length > 0);
const rebound = await context.newPage();
equal('by another name', (await rebound.goto(url.replace('127.0.0.1', 'rebind.example')))?.status(), 403);
await rebound.goto('data:text/html,elsewhere');
await rebound.evaluate(async target => { await fetch(target + '/sink/fault', { method: 'POST', mode: 'no-cors', body: 'hang' }).catch(() => 0); }, origin);
equal('still answers', (await fetch(origin + '/api/public/health')).status, 200);
await browser.close();
if (bad.length) console.log(bad.join('\n'));
process.exit(bad.length ? 1 : 0);
