// What each recorder is shown. `page` says whether a page's script can send it; the page itself makes the others differently.

const bytes = (...numbers) => Buffer.from(numbers);
const text = (value) => Buffer.from(value);

const parts = Buffer.concat([
  text('--boundary\r\nContent-Disposition: form-data; name="title"\r\n\r\nÜber uns\r\n'),
  text('--boundary\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'),
  text('Content-Type: application/octet-stream\r\n\r\n'),
  bytes(0, 1, 0xff, 0xfe, 0x0d, 0x0a, 0x80),
  text('\r\n--boundary--\r\n'),
]);

/// All exchanges, in the order in which they are sent. `gzip` is a function, so that pages can use this as well.
export const exchanges = (gzip) => [
  { method: 'GET', path: '/json?q=caf%C3%A9&b=1&b=2' },
  { method: 'GET', path: '/gzip' },
  { method: 'GET', path: '/br' },
  { method: 'GET', path: '/deflate' },
  { method: 'GET', path: '/image.png' },
  { method: 'GET', path: '/redirect' },
  { method: 'GET', path: '/cookies' },
  { method: 'GET', path: '/twice' },
  { method: 'POST', path: '/orders', type: 'application/json', body: text('{"id": 1, "name": "Käse", "tags": []}') },
  { method: 'POST', path: '/form', type: 'application/x-www-form-urlencoded', body: text('user=J%20Doe&next=%2Fa~b&n=1+2') },
  { method: 'POST', path: '/upload', type: 'multipart/form-data; boundary=boundary', body: parts },
  { method: 'POST', path: '/binary', type: 'application/octet-stream', body: bytes(0, 1, 0xff, 0xfe, 0x0a, 0) },
  { method: 'POST', path: '/zipped', type: 'application/json', coding: 'gzip', body: gzip(text('{"zipped": true}')) },
  { method: 'POST', path: '/untyped', body: text('plain words') },
  { method: 'PUT', path: '/nothing' },
  { method: 'DELETE', path: '/item/7' },
  { method: 'GET', path: '/etag' },
  { method: 'GET', path: '/etag', fields: { 'If-None-Match': '"v1"' } },
  { method: 'GET', path: '/range', fields: { Range: 'bytes=2-5' } },
  { method: 'GET', path: '/chunked' },
  { method: 'GET', path: '/events' },
  { method: 'GET', path: '/empty' },
  { method: 'HEAD', path: '/json?q=head' },
  { method: 'GET', path: '/latin1' },
  { method: 'GET', path: '/utf16' },
  { method: 'GET', path: '/broken-text' },
  { method: 'GET', path: '/bom' },
  { method: 'GET', path: '/lines' },
  { method: 'GET', path: '/big.bin' },
  { method: 'GET', path: '/big.json' },
  { method: 'GET', path: '/counter' },
  { method: 'GET', path: '/counter' },
  { method: 'GET', path: '/missing' },
  { method: 'GET', path: '/failing' },
];
