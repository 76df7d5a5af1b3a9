import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMetadataServer } from '../../../../infra/emulators/common/iam/metadata-server.ts';
import { Tokens } from '../../../../infra/emulators/common/iam/tokens.ts';
import { startPubSubEmulator } from '../../../../infra/emulators/pubsub/src/emulator.ts';
import { startStorageEmulator } from '../../../../infra/emulators/storage/src/emulator.ts';

const TOKENS = new Tokens('a secret of the tests, long enough');
const TOKEN_PATH = '/computeMetadata/v1/instance/service-accounts/default/token';
const FAULTS = '/_emulator/faults';
const TOPICS = '/v1/projects/p/topics';

describe('an emulator or a metadata server, asked by a browser', () => {
  const addresses: Record<string, string> = {};
  const stops: (() => Promise<void>)[] = [];

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'own-names-'));
    const storage = await startStorageEmulator({ folder });
    const pubsub = await startPubSubEmulator({});
    const account = { host: '127.0.0.1', account: 'a@example.org', project: 'p' };
    const metadata = await startMetadataServer({ ...account, tokens: TOKENS });
    Object.assign(addresses, {
      storage: new URL(storage.url).host,
      pubsub: pubsub.host,
      metadata: metadata.host,
    });
    stops.push(
      () => storage.stop(),
      () => pubsub.stop(),
      () => metadata.close(),
      () => rm(folder, { recursive: true }),
    );
  });
  after(async () => {
    for (const stop of stops) await stop();
  });

  async function statusOf(
    server: string,
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
  ): Promise<number | undefined> {
    const [host, port] = (addresses[server] ?? assert.fail(server)).split(':');
    const all = { 'metadata-flavor': 'Google', ...headers };
    const asked = request({ host, port, method, path, headers: all, agent: false }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  }
  const paths = { storage: FAULTS, pubsub: TOPICS, metadata: TOKEN_PATH };

  for (const [server, path] of Object.entries(paths)) {
    it(`answers to the names of this machine alone: ${server}`, async () => {
      for (const host of ['evil.example:80', '127.0.0.1.evil.example', 'localhost.evil.example:1', '%']) {
        assert.equal(await statusOf(server, 'GET', path, { host }), 421, host);
      }
      for (const host of ['127.0.0.1:1', 'localhost', '[::1]:1', 'storage:1', 'files.localhost']) {
        assert.equal(await statusOf(server, 'GET', path, { host }), 200, host);
      }
    });
  }

  it('changes nothing for a page of another origin', async () => {
    for (const origin of ['https://evil.example', 'null']) {
      assert.equal(await statusOf('storage', 'DELETE', FAULTS, { origin }), 403);
      assert.equal(await statusOf('pubsub', 'GET', TOPICS, { origin }), 403);
    }
    const origin = 'http://127.0.0.1:8080';
    assert.equal(await statusOf('pubsub', 'GET', TOPICS, { origin }), 200);
  });
});
