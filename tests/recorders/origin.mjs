// The server whose traffic is recorded: plain HTTP/1.1 on one port, HTTP/1.1 and HTTP/2 by TLS on another.
//
//     node origin.mjs KEY CERTIFICATE
//
// The first line that it prints has the ports. A line follows for each exchange: what came, and what was sent.

import http from 'node:http';
import http2 from 'node:http2';
import fs from 'node:fs';
import zlib from 'node:zlib';
import { exchanges } from './exchanges.mjs';

const DATE = 'Sun, 01 Mar 2026 10:00:00 GMT';
const BIG = 300 * 1024;

const answers = {
  '/': () => [200, { 'Content-Type': 'text/html; charset=utf-8' }, page()],
  '/json': () => json({ name: 'Käse', price: 2.5, emoji: '🧀', list: [1, 2, 3] }),
  '/gzip': () => coded('gzip', zlib.gzipSync),
  '/br': () => coded('br', zlib.brotliCompressSync),
  '/deflate': () => coded('deflate', zlib.deflateSync),
  '/image.png': () => [200, { 'Content-Type': 'image/png' }, Buffer.concat([PNG, everyByte])],
  '/redirect': () => [302, { Location: '/json?q=redirected', 'Content-Type': 'text/plain' }, 'over there'],
  '/cookies': () => [
    200,
    {
      'Content-Type': 'text/plain',
      'Set-Cookie': ['sid=abc; Path=/; HttpOnly', 'lang=de; Path=/; Expires=Fri, 01 Mar 2030 10:00:00 GMT'],
    },
    'cookies',
  ],
  '/twice': () => [200, { 'Content-Type': 'text/plain', 'X-Twice': ['one', 'two, three'], Vary: 'Accept, Origin' }, 'twice'],
  '/orders': () => json({ created: true }, 201),
  '/form': () => [303, { Location: '/json?q=formed' }, ''],
  '/upload': () => json({ uploaded: true }),
  '/binary': () => [200, { 'Content-Type': 'application/octet-stream' }, everyByte],
  '/zipped': () => json({ unzipped: true }),
  '/untyped': () => json({ untyped: true }),
  '/nothing': () => json({ put: true }),
  '/item/7': () => [204, {}, ''],
  '/etag': (request) =>
    request.headers['if-none-match'] === '"v1"'
      ? [304, { ETag: '"v1"', 'Cache-Control': 'no-cache' }, '']
      : [200, { ETag: '"v1"', 'Cache-Control': 'no-cache', 'Content-Type': 'text/plain' }, 'tagged'],
  '/range': () => [206, { 'Content-Range': 'bytes 2-5/10', 'Content-Type': 'text/plain', ETag: '"r"' }, '2345'],
  '/chunked': () => [200, { 'Content-Type': 'text/plain' }, ['one ', 'two ', 'three']],
  '/events': () => [200, { 'Content-Type': 'text/event-stream' }, ['data: 1\n\n', 'data: zwölf\n\n']],
  '/empty': () => [200, { 'Content-Type': 'text/plain' }, ''],
  '/latin1': () => [200, { 'Content-Type': 'text/plain; charset=iso-8859-1' }, Buffer.from('café £5', 'latin1')],
  '/utf16': () => [200, { 'Content-Type': 'text/plain; charset=utf-16le' }, Buffer.from('café', 'utf16le')],
  '/broken-text': () => [200, { 'Content-Type': 'text/plain; charset=utf-8' }, Buffer.from([0x61, 0xff, 0xc3, 0x28, 0x62])],
  '/bom': () => [200, { 'Content-Type': 'application/json' }, '\ufeff{"bom": true}'],
  '/lines': () => [200, { 'Content-Type': 'text/plain' }, 'a\r\nb\nc\rd\u2028e\u0000f\t"\\'],
  '/big.bin': () => [200, { 'Content-Type': 'application/octet-stream' }, noise(BIG)],
  '/big.json': () => json({ rows: Array.from({ length: 5000 }, (_, id) => ({ id, name: `Zeile "${id}" – ende` })) }),
  '/counter': () => json({ count: (counted += 1) }),
  '/missing': () => json({ error: 'not found' }, 404),
  '/failing': () => [503, { 'Retry-After': '5', 'Content-Type': 'text/html' }, '<h1>down</h1>'],
};

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
let counted = 0;

function json(value, status = 200) {
  return [status, { 'Content-Type': 'application/json' }, JSON.stringify(value)];
}

function coded(coding, code) {
  const content = code(Buffer.from(JSON.stringify({ coding, text: 'Käse '.repeat(50) })));
  return [200, { 'Content-Type': 'application/json', 'Content-Encoding': coding, Vary: 'Accept-Encoding' }, content];
}

// Bytes that look random and are the same on each run (xorshift).
function noise(length) {
  let state = 2463534242;
  return Buffer.from(Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  }));
}

// Sends all exchanges by `fetch`, and says by its title when it has.
function page() {
  const list = exchanges(zlib.gzipSync).map((exchange) => ({ ...exchange, body: exchange.body?.toString('base64') }));
  return `<!doctype html><title>loading</title><link rel="icon" href="data:,"><p>Grüße</p><script>
const exchanges = ${JSON.stringify(list)};
(async () => {
  for (const { method, path, fields = {}, type, coding, body } of exchanges) {
    const headers = { ...fields, ...(type && { 'Content-Type': type }), ...(coding && { 'Content-Encoding': coding }) };
    const bytes = body && Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
    try {
      await (await fetch(path, { method, headers, body: bytes, cache: 'no-store' })).arrayBuffer();
    } catch (error) { console.log(path, error); }
  }
  // The tools are to have the last one too.
  await new Promise((resume) => setTimeout(resume, 500));
  document.title = 'done';
})();
</script>`;
}

async function answer(request, response, secure) {
  const received = [];
  for await (const piece of request) received.push(piece);
  const path = request.url.split('?')[0];
  const [status, named, content] = (answers[path] ?? answers['/missing'])(request);
  const pieces = (Array.isArray(content) ? content : [content]).map((piece) => Buffer.from(piece));
  const fields = Object.entries({ Date: DATE, ...named });
  const bodiless = request.method === 'HEAD' || status === 204 || status === 304;
  response.sendDate = false;
  for (const [name, value] of fields) response.setHeader(name, value);
  if (pieces.length === 1 && status !== 204 && status !== 304) response.setHeader('Content-Length', pieces[0].length);
  response.writeHead(status);
  for (const piece of bodiless ? [] : pieces) {
    response.write(piece);
    if (pieces.length > 1) await new Promise((resume) => setTimeout(resume, 20));
  }
  response.end();
  const raw = request.rawHeaders;
  print({
    secure,
    version: request.httpVersion,
    method: request.method,
    target: request.url,
    fields: raw.flatMap((name, at) => (at % 2 || name.startsWith(':') ? [] : [[name, raw[at + 1]]])),
    body: Buffer.concat(received).toString('base64'),
    response: {
      status,
      fields: fields.flatMap(([name, value]) => [value].flat().map((line) => [name, line])),
      body: bodiless ? '' : Buffer.concat(pieces).toString('base64'),
    },
  });
}

const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const [key, cert] = process.argv.slice(2).map((file) => fs.readFileSync(file));
const plain = http.createServer((request, response) => answer(request, response, false));
const tls = http2.createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => answer(request, response, true));
plain.listen(0, '127.0.0.1', () =>
  tls.listen(0, '127.0.0.1', () => print({ plain: plain.address().port, tls: tls.address().port })),
);
