// Draws what `tmux capture-pane -e -p` captured as a picture: terminal.mjs CAPTURE COLUMNS TITLE PNG
import { readFileSync } from 'node:fs';
import { launch } from '../../tests/ui/browser.mjs';

const [capture, columns, title, png] = process.argv.slice(2);
const lines = readFileSync(capture, 'utf8').replace(/\s+$/, '').split('\n');
const looks = { 1: 'bold', 2: 'dim', 31: 'red', 32: 'green', 33: 'yellow', 36: 'cyan' };

const browser = await launch();
const page = await browser.newPage({ deviceScaleFactor: lines.length > 26 ? 1 : 1.25, viewport: { width: 1400, height: 1000 } });
await page.setContent(`<!doctype html><meta charset="utf-8"><style>
	body { margin: 0; background: #fff; }
	#window { display: inline-block; background: #17191d; color: #d9d6cf; border-radius: 9px; overflow: hidden; }
	#bar { background: #24272d; color: #99968f; font: 12px "DejaVu Sans", sans-serif; text-align: center; padding: 7px; position: relative; }
	#bar i { position: absolute; top: 9px; width: 10px; height: 10px; border-radius: 50%; background: #4a4e57; }
	pre { margin: 0; padding: 12px 16px 14px; font: 13px/1.32 "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace; width: ${columns}ch; box-sizing: content-box; }
	.bold { font-weight: bold; color: #f3f0ea; } .dim { color: #8d8a84; } .red { color: #ff7b72; } .green { color: #7fcf8c; } .yellow { color: #e8bd55; } .cyan { color: #67c7ec; }
</style><div id="window"><div id="bar"><i style="left:12px"></i><i style="left:28px"></i><i style="left:44px"></i><span></span></div><pre></pre></div>`);
await page.evaluate(([all, names, words]) => {
	document.querySelector('#bar span').textContent = words;
	const pre = document.querySelector('pre');
	let now = [];
	for (const line of all) {
		for (const piece of line.split(/(\x1b\[[\d;]*m|\x0e|\x0f|\x1b\(.)/)) {
			const sequence = piece.match(/^\x1b\[([\d;]*)m$/);
			if (sequence) for (const code of (sequence[1] || '0').split(';')) {
				if (code === '0') now = [];
				else if (code === '39') now = now.filter(look => look === 'bold' || look === 'dim');
				else if (code === '22') now = now.filter(look => look !== 'bold' && look !== 'dim');
				else if (names[code]) now = [...now, names[code]];
			}
			else if (!/^[\x0e\x0f\x1b]/.test(piece) && piece) {
				const span = document.createElement('span');
				span.className = now.join(' ');
				span.textContent = piece;
				pre.append(span);
			}
		}
		pre.append('\n');
	}
}, [lines, looks, title]);
await page.locator('#window').screenshot({ path: png, omitBackground: true });
await browser.close();
