// Records by chrome-har-capturer.
//
//     node chrome_har_capturer.mjs CHROMIUM RECORDING ORIGIN...

import fs from 'node:fs';
import CHC from 'chrome-har-capturer';
import puppeteer from 'puppeteer-core';

const [executablePath, recording, ...origins] = process.argv.slice(2);
const browser = await puppeteer.launch({ executablePath, args: ['--no-sandbox', '--ignore-certificate-errors'] });
const port = Number(new URL(browser.wsEndpoint()).port);
const done = "new Promise((done) => setInterval(() => document.title === 'done' && done(), 20))";
const capture = CHC.run(origins.map((origin) => `${origin}/`), {
  port,
  content: true,
  cache: true,
  postHook: (_, client) => client.Runtime.evaluate({ expression: done, awaitPromise: true }),
});
await new Promise((recorded, failed) => {
  capture.on('fail', (_, error) => failed(error));
  capture.on('har', (har) => {
    fs.writeFileSync(recording, JSON.stringify(har));
    recorded();
  });
});
await browser.close();
