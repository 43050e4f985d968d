// Sends all exchanges, one after the other, as a program of Node does.

import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import zlib from 'node:zlib';
import { exchanges } from './exchanges.mjs';

/// Sends them to the server at `base`, by way of `proxy` (a port of this machine) if there is one.
export async function visit(base, proxy) {
  for (const exchange of exchanges(zlib.gzipSync)) await send(new URL(exchange.path, base), exchange, proxy);
}

async function send(url, { method, fields = {}, type, coding, body }, proxy) {
  const headers = { Accept: '*/*', 'Accept-Encoding': 'gzip, deflate, br', ...fields };
  if (type) headers['Content-Type'] = type;
  if (coding) headers['Content-Encoding'] = coding;
  if (body || method === 'PUT') headers['Content-Length'] = body?.length ?? 0;
  const secure = url.protocol === 'https:';
  const options = { method, headers, agent: false, rejectUnauthorized: false };
  if (proxy && secure) {
    const socket = await tunnel(url, proxy);
    options.agent = new https.Agent();
    options.agent.createConnection = () => socket;
  }
  await new Promise((done, failed) => {
    const plainProxy = proxy && !secure;
    const target = plainProxy ? { host: '127.0.0.1', port: proxy, path: url.href } : {};
    if (plainProxy) headers.Host = url.host;
    const request = plainProxy
      ? http.request({ ...options, ...target }, read)
      : (secure ? https : http).request(url, options, read);
    function read(response) {
      response.resume();
      response.on('end', done);
      response.on('error', failed);
    }
    request.on('error', failed);
    request.end(body);
  });
}

// A connection by TLS through a tunnel of the proxy.
function tunnel(url, proxy) {
  return new Promise((connected, failed) => {
    const request = http.request({ host: '127.0.0.1', port: proxy, method: 'CONNECT', path: url.host, headers: { Host: url.host } });
    request.on('connect', (_, socket) => {
      const secured = tls.connect({ socket, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }, () => connected(secured));
      secured.on('error', failed);
    });
    request.on('error', failed);
    request.end();
  });
}

if (process.argv[1].endsWith('client.mjs')) {
  const [base, proxy] = process.argv.slice(2);
  await visit(base, proxy && Number(proxy));
}
