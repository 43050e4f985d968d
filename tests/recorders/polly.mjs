// Records by Polly.JS.
//
//     node polly.mjs FOLDER ORIGIN...

import { Polly } from '@pollyjs/core';
import NodeHttpAdapter from '@pollyjs/adapter-node-http';
import FSPersister from '@pollyjs/persister-fs';
import { visit } from './client.mjs';

const [recordingsDir, ...origins] = process.argv.slice(2);
Polly.register(NodeHttpAdapter);
Polly.register(FSPersister);
const polly = new Polly('visit', {
  adapters: ['node-http'],
  persister: 'fs',
  persisterOptions: { fs: { recordingsDir } },
  mode: 'record',
  recordFailedRequests: true,
  logLevel: 'error',
});
for (const origin of origins) await visit(origin);
await polly.stop();
