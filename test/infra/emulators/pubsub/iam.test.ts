import assert from 'node:assert/strict';
import {
  type MetadataServer,
  startMetadataServer,
} from '../../../../infra/emulators/common/iam/metadata-server.ts';
import { Tokens } from '../../../../infra/emulators/common/iam/tokens.ts';
import { type PubSubEmulator, startPubSubEmulator } from '../../../../infra/emulators/pubsub/src/emulator.ts';
import { emailOf } from '../../../../infra/local/processes/identity.ts';
import { createPublisher } from '../../../../shared/events/publisher.ts';

const SECRET = 'a secret of the tests, long enough';
const PUBLISH = 'pubsub.topics.publish';
const EVENT = { data: Buffer.from('{}'), attributes: {} };

describe('the grants of the Pub/Sub emulator', () => {
  const tokens = new Tokens(SECRET);
  const account = emailOf('scanner');
  const environment = { ...process.env };
  let emulator: PubSubEmulator;
  let metadata: MetadataServer;

  before(async () => {
    const grants = [{ name: 'events', account, topic: 'granted', permissions: [PUBLISH], prefixes: [] }];
    const iam = { secret: SECRET, administrator: emailOf('administrator'), grants };
    emulator = await startPubSubEmulator({ iam });
    metadata = await startMetadataServer({ host: '127.0.0.1', project: 'p', account, tokens });
    for (const topic of ['granted', 'other']) await rest('PUT', topic);
    Object.assign(process.env, {
      PUBSUB_EMULATOR_HOST: emulator.host,
      GCE_METADATA_HOST: metadata.host,
      METADATA_SERVER_DETECTION: 'assume-present',
      HOME: '/nonexistent',
      GOOGLE_CLOUD_PROJECT: 'p',
    });
  });
  after(async () => {
    for (const name of [
      'PUBSUB_EMULATOR_HOST',
      'GCE_METADATA_HOST',
      'METADATA_SERVER_DETECTION',
      'GOOGLE_CLOUD_PROJECT',
      'HOME',
    ]) {
      delete process.env[name];
      if (environment[name] !== undefined) process.env[name] = environment[name];
    }
    await metadata.close();
    await emulator.stop();
  });

  function rest(method: string, path: string, token?: string): Promise<Response> {
    const headers = {
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    };
    const body = JSON.stringify(
      method === 'POST' ? { messages: [{ data: '', attributes: { a: 'b' } }] } : {},
    );
    return fetch(`http://${emulator.host}/v1/projects/p/topics/${path}`, { method, headers, body });
  }

  for (const ordered of [false, true]) {
    it(`let the account of the metadata server publish where it may, ${ordered ? 'in order' : 'unordered'}`, async () => {
      const publisher = createPublisher('p', 'granted', { ordered, emulatorCredentials: true });
      await publisher.publish(ordered ? { ...EVENT, orderingKey: 'k' } : EVENT);
      await publisher.close();
    });
  }

  it('refuse it another topic', async () => {
    const publisher = createPublisher('p', 'other', { emulatorCredentials: true });
    await assert.rejects(publisher.publish(EVENT), {
      message: "Permission 'pubsub.topics.publish' denied on projects/p/topics/other",
    });
    await publisher.close();
  });

  it('refuse a caller without credentials', async () => {
    const publisher = createPublisher('p', 'granted');
    await assert.rejects(publisher.publish(EVENT), { code: 16 });
    await publisher.close();
  });

  it('hold over REST as well', async () => {
    assert.equal((await rest('POST', 'granted:publish')).status, 401);
    assert.equal((await rest('POST', 'granted:publish', 'garbage')).status, 401);
    assert.equal((await rest('POST', 'other:publish', await tokens.access(account))).status, 403);
    assert.equal((await rest('POST', 'granted:publish', await tokens.access(account))).status, 200);
  });
});
