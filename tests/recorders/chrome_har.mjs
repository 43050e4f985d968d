// Records what Chromium says by its devtools protocol, as chrome-har makes a HAR of it.
//
//     node chrome_har.mjs CHROMIUM RECORDING ORIGIN...

import fs from 'node:fs';
import { harFromMessages } from 'chrome-har';
import puppeteer from 'puppeteer-core';

const [executablePath, recording, ...origins] = process.argv.slice(2);
const browser = await puppeteer.launch({ executablePath, args: ['--no-sandbox'], acceptInsecureCerts: true });
const page = await browser.newPage();
const client = await page.createCDPSession();
const messages = [];
const responses = new Map();
const bodies = [];
const seen = (method) => client.on(method, (params) => messages.push({ method, params }));
[
  'Page.loadEventFired', 'Page.domContentEventFired', 'Page.frameStartedLoading', 'Page.frameAttached',
  'Page.frameScheduledNavigation', 'Network.requestWillBeSent', 'Network.requestWillBeSentExtraInfo',
  'Network.requestServedFromCache', 'Network.dataReceived', 'Network.responseReceived',
  'Network.responseReceivedExtraInfo', 'Network.resourceChangedPriority', 'Network.loadingFinished', 'Network.loadingFailed',
].forEach(seen);
client.on('Network.responseReceived', ({ requestId, response }) => responses.set(requestId, response));
// As its README says: whoever calls chrome-har sets the body of each response.
client.on('Network.loadingFinished', ({ requestId }) => {
  const body = client.send('Network.getResponseBody', { requestId }).then(({ body, base64Encoded }) => {
    Object.assign(responses.get(requestId) ?? {}, { body, encoding: base64Encoded ? 'base64' : undefined });
  });
  bodies.push(body.catch(() => {}));
});
await client.send('Page.enable');
await client.send('Network.enable', { maxPostDataSize: 1 << 20 });
for (const origin of origins) {
  await page.goto(`${origin}/`);
  await page.waitForFunction(() => document.title === 'done');
}
await Promise.all(bodies);
fs.writeFileSync(recording, JSON.stringify(harFromMessages(messages, { includeTextFromResponseBody: true })));
await browser.close();
