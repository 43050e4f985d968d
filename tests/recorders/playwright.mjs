// Records by `routeFromHAR` of Playwright.
//
//     node playwright.mjs CHROMIUM RECORDING full|minimal embed|attach ORIGIN...

import { chromium } from 'playwright-core';

const [executablePath, recording, updateMode, updateContent, ...origins] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const context = await browser.newContext({ ignoreHTTPSErrors: true });
await context.routeFromHAR(recording, { update: true, updateMode, updateContent });
const page = await context.newPage();
for (const origin of origins) {
  await page.goto(`${origin}/`);
  await page.waitForFunction(() => document.title === 'done');
}
await context.close();
await browser.close();
