// The installed Chromium, driven by playwright-core: PLAYWRIGHT is the folder that npm filled, CHROMIUM the program.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { chromium } = createRequire(join(process.env.PLAYWRIGHT, 'package.json'))('playwright-core');
export const launch = (...args) => chromium.launch({
	executablePath: process.env.CHROMIUM,
	args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', ...args],
	timeout: 120000,
});
