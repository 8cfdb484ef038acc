// The receiver's page as it is: page.mjs URL light|dark PNG
import { launch } from '../../tests/ui/browser.mjs';

const [url, colorScheme, png] = process.argv.slice(2);
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1360, height: 760 }, colorScheme, reducedMotion: 'reduce' });
await page.goto(url);
await page.getByRole('option').filter({ hasText: colorScheme === 'dark' ? 'secrets' : 'subagent' }).first().click();
const row = page.locator('#tree .item').filter({ hasText: colorScheme === 'dark' ? 'tool-bash' : 'tool-task' }).first();
await row.waitFor();
await row.click();
await page.waitForSelector('#detail details');
await page.screenshot({ path: png });
await browser.close();
