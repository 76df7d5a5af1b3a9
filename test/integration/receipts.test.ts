import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { ChildSpec } from '../../infra/local/processes/child.ts';
import { emailOf } from '../../infra/local/processes/identity.ts';
import { type CallInit, eventually, OWNER, Service } from '../support/service.ts';

const READER = 'org:123456785';
const OTHER = 'user:kari@example.org';
const ABOVE = 100_000;

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const SIGNING_KEY = JSON.stringify({
  client_email: emailOf('files'),
  private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
});

interface Listed {
  readonly receipts: readonly { readonly principal: string; readonly at: string }[];
  readonly next?: string;
}

describe('the readers of a file', () => {
  const redirecting = { REDIRECT_ABOVE_BYTES: String(ABOVE), SIGNING_KEY };
  const adapt = (spec: ChildSpec): ChildSpec =>
    spec.name === 'files' ? { ...spec, env: { ...spec.env, ...redirecting } } : spec;
  const service = new Service({}, { adapt });
  let path: string;
  let id: string;

  async function shared(bytes = randomBytes(1_000)): Promise<void> {
    ({ id } = await service.upload(bytes));
    path = `/files/${id}`;
    assert.equal((await service.decided(id)).state, 'clean');
    const body = JSON.stringify({ grant: [READER, OTHER] });
    assert.equal((await service.call('PATCH', `${path}/viewers`, { body })).status, 204);
  }
  beforeEach(() => shared());
  afterEach(() => service.clearFaults());

  async function status(as: string, init: CallInit = {}, method = 'GET'): Promise<number> {
    const response = await service.call(method, path, { ...init, as });
    await response.arrayBuffer();
    return response.status;
  }
  async function listed(query = ''): Promise<Listed> {
    const response = await service.call('GET', `${path}/receipts${query}`);
    assert.equal(response.status, 200);
    return (await response.json()) as Listed;
  }
  const readers = async () => (await listed()).receipts.map(({ principal }) => principal).sort();
  const downloads = async () =>
    (await service.events()).filter(
      ({ attributes, data }) => attributes['eventType'] === 'file.downloaded.v1' && data.fileId === id,
    );

  it('are told by a receipt each, and by an event for each but the owner', async () => {
    assert.deepEqual(await listed(), { receipts: [] });
    const ranges = { headers: { range: 'bytes=0-1,5-6' } };
    assert.equal(await status(READER), 200);
    assert.equal(await status(READER), 200);
    assert.equal(await status(READER, ranges), 206);
    assert.equal(await status(OTHER, { headers: { range: 'bytes=5-9' } }), 206);
    assert.equal(await status(OWNER), 200);
    assert.deepEqual(await readers(), [OWNER, READER, OTHER].sort());
    const events = await eventually(async () => {
      const found = await downloads();
      return found.length >= 2 && found;
    });
    assert.deepEqual(events.map(({ data }) => data['downloadedBy']).sort(), [READER, OTHER].sort());
    const digest = createHash('sha256').update(READER).digest('hex');
    assert.ok(events.some(({ attributes }) => attributes['ce-id'] === `${id}/downloaded/${digest}`));
  });

  it('come in pages', async () => {
    for (const reader of [READER, OTHER]) assert.equal(await status(reader), 200);
    const first = await listed('?limit=1');
    const second = await listed(`?limit=1&cursor=${first.next}`);
    assert.deepEqual([...first.receipts, ...second.receipts], (await listed()).receipts);
    assert.equal((await service.call('GET', `${path}/receipts?cursor=x`)).status, 400);
  });

  it('are none for HEAD, a condition that holds, or a refusal', async () => {
    const { sha256 } = await service.status(id);
    assert.equal(await status(READER, {}, 'HEAD'), 200);
    assert.equal(await status(READER, { headers: { 'if-none-match': `"${sha256}"` } }), 304);
    assert.equal(await status(READER, { headers: { range: 'bytes=5000-' } }), 416);
    assert.equal(await status('org:987654321'), 404);
    assert.deepEqual(await listed(), { receipts: [] });
  });

  it('are known where they were sent to Cloud Storage', async () => {
    await shared(randomBytes(ABOVE + 1));
    assert.equal(await status(READER), 307);
    assert.deepEqual(await readers(), [READER]);
  });

  it('are told to the owner and administrators alone, also once the file is deleted', async () => {
    assert.equal(await status(READER), 200);
    assert.equal((await service.call('DELETE', path)).status, 204);
    assert.deepEqual(await readers(), [READER]);
    const as = { as: 'user:administrator', scopes: ['admin'] as const };
    assert.equal((await service.call('GET', `${path}/receipts`, as)).status, 200);
    assert.equal((await service.call('GET', `${path}/receipts`, { as: READER })).status, 403);
  });

  it('cost an insert at their first download, and nothing for the next ranges', async () => {
    const cost = async (headers: Record<string, string> = {}) => {
      await eventually(async () => {
        const { objects } = await service.bucket('permanent').list({ prefix: 'shared/', maxResults: 1000 });
        return objects.every(({ metadata }) => metadata['grantedAt'] === undefined);
      });
      await service.resetOperations();
      await status(READER, { headers });
      const { operations, classes } = await service.operations();
      return [classes.A, operations['objects.get']?.calls, operations['objects.getMedia']?.calls];
    };
    // Record, verdict, content, finding; at first the receipt, and the finding once more.
    assert.deepEqual(await cost(), [1, 6, 1]);
    assert.deepEqual(await cost(), [0, 4, 1]);
    assert.deepEqual(await cost({ range: 'bytes=0-9' }), [0, 4, 1]);
  });

  it('are never missed: where no receipt can be written, no byte is handed out', async () => {
    await service.fault({
      operation: 'objects.insert',
      namePrefix: 'receipts/',
      effect: { kind: 'error', status: 403 },
    });
    const response = await service.call('GET', path, { as: READER });
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('retry-after'), '5');
    assert.match(((await response.json()) as { type: string }).type, /unavailable$/);
    assert.deepEqual(await listed(), { receipts: [] });
    await service.clearFaults();
    assert.equal(await status(READER), 200);
    assert.deepEqual(await readers(), [READER]);
    const events = await eventually(async () => {
      const found = await downloads();
      return found.length >= 2 && found;
    });
    assert.equal(new Set(events.map(({ attributes }) => attributes['ce-id'])).size, 1);
  });

  it('are known once, however many requests come at once', async () => {
    const statuses = await Promise.all(Array.from({ length: 10 }, () => status(READER)));
    assert.deepEqual(new Set(statuses), new Set([200]));
    assert.deepEqual(await readers(), [READER]);
    assert.equal((await downloads()).length, 1);
  });
});

describe('downloads without receipts', () => {
  const adapt = (spec: ChildSpec): ChildSpec => {
    if (spec.name !== 'files') return spec;
    const { SCAN_EVENTS_TOPIC: _, ...env } = spec.env;
    return { ...spec, env: { ...env, RECEIPTS: 'false' } };
  };
  const service = new Service({}, { adapt });

  it('are handed out, and nobody knows by whom', async () => {
    const { id } = await service.upload('Hello');
    await service.decided(id);
    assert.equal((await service.call('GET', `/files/${id}`)).status, 200);
    assert.deepEqual(await (await service.call('GET', `/files/${id}/receipts`)).json(), { receipts: [] });
  });
});
