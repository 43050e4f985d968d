// Records by mockttp, the proxy of HTTP Toolkit, and writes the shape of HTTP Toolkit's own HAR files.
//
//     node http_toolkit.mjs RECORDING ORIGIN...
//
// Its exporter is part of an application that no registry has, so this has the shape without the code: fields of several
// lines joined by commas, contents decoded, text where it is UTF-8 and base64 where it is not, `_content` and
// `_requestBodyStatus` for requests that are no text, nothing of more than 500,000 bytes.

import fs from 'node:fs';
import querystring from 'node:querystring';
import mockttp from 'mockttp';
import { visit } from './client.mjs';

const LIMIT = 500_000;
const [recording, ...origins] = process.argv.slice(2);
const proxy = mockttp.getLocal({ https: await mockttp.generateCACertificate() });
await proxy.start();
await proxy.forAnyRequest().thenPassThrough({ ignoreHostHttpsErrors: true });
const requests = new Map();
const entries = [];
await proxy.on('request', (request) => requests.set(request.id, request));
await proxy.on('response', (response) => entries.push(entry(requests.get(response.id), response)));
for (const origin of origins) await visit(origin, proxy.port);
await new Promise((settled) => setTimeout(settled, 500));
const log = { version: '1.2', creator: { name: 'HTTP Toolkit', version: '1.0.0' }, pages: [], entries: await Promise.all(entries) };
fs.writeFileSync(recording, JSON.stringify({ log: { ...log, _tlsErrors: [] } }));
await proxy.stop();

async function entry(request, response) {
  const { startTime } = response.timingEvents;
  return {
    startedDateTime: new Date(startTime).toISOString(),
    time: 1,
    request: await harRequest(request),
    response: await harResponse(request, response),
    cache: {},
    timings: { blocked: -1, dns: -1, connect: -1, ssl: -1, send: 0, wait: 1, receive: 0 },
  };
}

async function harRequest(request) {
  const decoded = await request.body.getDecodedBuffer();
  const url = new URL(request.url);
  const made = {
    method: request.method,
    url: url.toString(),
    httpVersion: `HTTP/${request.httpVersion}`,
    cookies: [],
    headers: fields(request.headers),
    queryString: Array.from(url.searchParams, ([name, value]) => ({ name, value })),
    headersSize: -1,
    bodySize: request.body.buffer.length,
  };
  if (!decoded) return { ...made, _requestBodyStatus: 'discarded:not-decodable' };
  const text = utf8(decoded);
  if (text === undefined) {
    const _content = { text: decoded.toString('base64'), size: decoded.length, encoding: 'base64' };
    return { ...made, _requestBodyStatus: 'discarded:not-representable', _content };
  }
  if (!text) return made;
  const mimeType = [request.headers['content-type'] ?? 'application/octet-stream'].flat().at(-1);
  if (mimeType !== 'application/x-www-form-urlencoded') return { ...made, postData: { mimeType, text } };
  const params = Object.entries(querystring.parse(text)).flatMap(([name, value]) => [value].flat().map((value) => ({ name, value })));
  return { ...made, postData: { mimeType, params, text } };
}

async function harResponse(request, response) {
  const decoded = await response.body.getDecodedBuffer();
  const content = { mimeType: [response.headers['content-type'] ?? 'application/octet-stream'].flat().at(-1), size: decoded?.length ?? 0 };
  const text = decoded && utf8(decoded);
  if (!decoded || decoded.length > LIMIT) {
    content.comment = `Body discarded during HAR generation: longer than limit of ${LIMIT} bytes`;
  } else if (text === undefined) {
    Object.assign(content, { text: decoded.toString('base64'), encoding: 'base64' });
  } else {
    content.text = text;
  }
  return {
    status: response.statusCode,
    statusText: response.statusMessage,
    httpVersion: `HTTP/${request.httpVersion}`,
    cookies: [],
    headers: fields(response.headers),
    content,
    redirectURL: '',
    headersSize: -1,
    bodySize: response.body.buffer.length,
  };
}

function fields(headers) {
  return Object.entries(headers).map(([name, value]) => ({ name, value: [value].flat().join(',') }));
}

// As a decoder does that leaves out a byte order mark.
function utf8(bytes) {
  try {
    return new TextDecoder('utf8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
