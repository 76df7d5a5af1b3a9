import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

const CONNECT = new URL('../../../shared/tracing/connect.ts', import.meta.url);
const SCOPE = 'https://www.googleapis.com/auth/trace.append';

/** Exports one span to what it takes for Google's address. */
const program = (port: number) => `
  import dns from 'node:dns';
  import { openTracing } from ${JSON.stringify(CONNECT.href)};
  dns.lookup = (name, options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]);
  const log = { warn: (line) => console.log(JSON.stringify(line)), error: (line) => console.log(JSON.stringify(line)) };
  const endpoint = 'http://telemetry.googleapis.com:${port}';
  const tracing = await openTracing('upload', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, GOOGLE_CLOUD_PROJECT: 'p' }, log);
  tracing.start('a').end();
  await tracing.flush();
`;

async function listening(handler: RequestListener) {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function run(port: number, metadataPort: number): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program(port)], {
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      GCE_METADATA_HOST: `127.0.0.1:${metadataPort}`,
      METADATA_SERVER_DETECTION: 'assume-present',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [text] = await Promise.all([child.stdout.toArray(), once(child, 'close')]);
  return Buffer.concat(text as Buffer[]).toString();
}

describe('spans for Google Cloud', () => {
  it('are sent in the name of the service account', async () => {
    const asked: (string | undefined)[] = [];
    const received: IncomingMessage[] = [];
    await using metadata = await listening(({ url }, response) => {
      asked.push(url);
      const answer = { access_token: 'of-the-account', expires_in: 3600, token_type: 'Bearer' };
      response.writeHead(200, { 'metadata-flavor': 'Google', 'content-type': 'application/json' });
      response.end(JSON.stringify(answer));
    });
    await using collector = await listening((request, response) => {
      received.push(request.resume());
      response.writeHead(200).end();
    });
    assert.equal(await run(collector.port, metadata.port), '');
    assert.deepEqual(
      received.map(({ url, headers }) => [url, headers.authorization]),
      [['/v1/traces', 'Bearer of-the-account']],
    );
    assert.ok(
      asked.some((url) => new URL(url ?? '', 'http://metadata').searchParams.get('scopes') === SCOPE),
    );
  });

  it('wait where there are no credentials', async () => {
    const received: IncomingMessage[] = [];
    await using metadata = await listening((_, response) => {
      response.writeHead(404, { 'metadata-flavor': 'Google' }).end();
    });
    await using collector = await listening((request, response) => {
      received.push(request.resume());
      response.writeHead(401).end();
    });
    const [line] = (await run(collector.port, metadata.port)).trim().split('\n');
    assert.deepEqual(
      received.map(({ headers }) => headers.authorization),
      [undefined],
    );
    assert.equal((JSON.parse(line ?? '') as { waiting: number }).waiting, 1);
  });
});
