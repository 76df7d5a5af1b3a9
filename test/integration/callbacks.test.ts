import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { Webhook } from 'standardwebhooks';
import * as v from 'valibot';
import { FolderUploadStore, fileSource } from '../../client/src/node.ts';
import { callbackKeys, secretOf } from '../../functions/notify/signature.ts';
import { reservePorts } from '../../infra/local/processes/ports.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import { clientOf, commandLine, Folder } from '../client/fixture.ts';
import { type Callback, Receiver } from '../support/receiver.ts';
import { EICAR, eventually, OWNER, Service } from '../support/service.ts';
import { idOf, TusRequests } from '../support/tus.ts';

const HOSPITAL = 'org:999999999';
const KEYS = `whsec_${randomBytes(32).toString('base64')} whsec_${randomBytes(32).toString('base64')}`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('callbacks', () => {
  const receiver = new Receiver();
  let port: number;
  before(async () => {
    [port = 0] = await reservePorts('127.0.0.1', [{ port: 0, variable: '' }]);
    await receiver.listen(port);
  });
  const service = new Service(
    () => ({
      CALLBACK_ORIGINS: receiver.origin,
      CALLBACK_OWNERS: JSON.stringify({ [HOSPITAL]: `${receiver.origin}/hospital` }),
    }),
    {
      adapt: (spec) =>
        spec.name === 'notify' ? { ...spec, env: { ...spec.env, CALLBACK_KEYS: KEYS } } : spec,
    },
  );
  const tus = new TusRequests(service);
  const folder = new Folder();
  const fileshare = commandLine(service, folder);
  after(() => receiver.close());
  beforeEach(() => receiver.reset());

  const callbacksOf = (id: string): readonly Callback[] =>
    receiver.received.filter(({ headers }) => headers['webhook-id']?.startsWith(id));
  async function verified(id: string, owner = OWNER): Promise<Record<string, unknown>> {
    await eventually(async () => callbacksOf(id).length > 0);
    const [callback] = callbacksOf(id);
    assert.ok(callback);
    for (const key of v.parse(callbackKeys, KEYS)) {
      new Webhook(secretOf(owner as Principal, key)).verify(callback.body, { ...callback.headers });
    }
    assert.equal(callback.headers['content-type'], 'application/cloudevents+json; charset=utf-8');
    return JSON.parse(callback.body) as Record<string, unknown>;
  }
  const dataOf = (event: Record<string, unknown>) => event['data'] as Record<string, unknown>;

  it('tell of a verdict, and of a deletion, signed with both keys', async () => {
    const { id } = await service.upload('clean', { 'callback-url': `${receiver.origin}/secret-path` });
    const event = await verified(id);
    assert.equal(event['specversion'], '1.0');
    assert.equal(event['type'], 'no.nav.hops.fileshare.scan.completed.v1');
    assert.equal(event['subject'], id);
    assert.deepEqual([dataOf(event)['verdict'], dataOf(event)['fileId']], ['clean', id]);
    assert.equal((await service.call('DELETE', `/files/${id}`)).status, 204);
    assert.equal((await service.sweeper('/collect')).status, 200);
    await eventually(async () => callbacksOf(id).some(({ body }) => body.includes('file.deleted.v1')));
  });

  it('tell of malware, after an upload by tus', async () => {
    const metadata = `callbackUrl ${base64(`${receiver.origin}/tus`)}`;
    const bytes = Buffer.from(EICAR);
    const path = await tus.create(
      { 'upload-length': String(bytes.length), 'upload-metadata': metadata },
      bytes,
    );
    assert.equal(dataOf(await verified(idOf(path)))['verdict'], 'infected');
  });

  it('tell of a direct session', async () => {
    const { id } = await service.uploadDirect(randomBytes(100), { callbackUrl: `${receiver.origin}/direct` });
    assert.equal(dataOf(await verified(id))['verdict'], 'clean');
  });

  for (const via of ['post', 'tus', 'direct'] as const) {
    it(`are asked for by the client and the command line: ${via}`, async () => {
      const callbackUrl = `${receiver.origin}/client`;
      const { id } = await clientOf(service).upload(randomBytes(100), { via, callbackUrl });
      assert.equal(dataOf(await verified(id))['verdict'], 'clean');
      await writeFile(folder.path(via), randomBytes(100));
      const { stdout } = await fileshare(['upload', via, '--via', via, '-q', '--callback-url', callbackUrl]);
      assert.equal(dataOf(await verified(stdout.trim()))['verdict'], 'clean');
    });
  }

  it('begin a new upload where an interrupted one had another URL', async () => {
    const store = new FolderUploadStore(folder.path('state'));
    const client = clientOf(service, { store, chunkSize: 2 ** 18 });
    await writeFile(folder.path('large'), randomBytes(2 ** 20));
    const source = await fileSource(folder.path('large'));
    const url = (path: string) => ({ via: 'tus', callbackUrl: receiver.origin + path }) as const;
    const stop = new AbortController();
    const onProgress = ({ sent }: { sent: number }) => void (sent >= 2 ** 19 && stop.abort());
    const aborted = client.upload(source, { ...url('/first'), onProgress, signal: stop.signal });
    await assert.rejects(aborted, { name: 'AbortError' });
    const resumed: number[] = [];
    const upload = (path: string) =>
      client.upload(source, {
        ...url(path),
        onProgress: ({ resumedFrom }) => void resumed.push(resumedFrom),
      });
    await upload('/second');
    assert.equal(Math.max(...resumed.splice(0)), 0);
    await upload('/first');
    assert.ok(Math.max(...resumed) > 0);
  });

  it('go to the URL of the owner where the upload names none, with the secret of that owner', async () => {
    const { id } = await service.upload('of a hospital', {}, { as: HOSPITAL });
    assert.equal(dataOf(await verified(id, HOSPITAL))['owner'], HOSPITAL);
  });

  it('are not sent where nobody asked for them, and their URL is in no event and no handle', async () => {
    const silent = await service.upload('silent');
    const asked = await service.upload('asked', { 'callback-url': `${receiver.origin}/secret-path` });
    await verified(asked.id);
    await service.decided(silent.id);
    assert.deepEqual(callbacksOf(silent.id), []);
    assert.doesNotMatch(JSON.stringify(await service.decided(asked.id)), /secret-path/);
    await eventually(async () =>
      (await service.events()).some(({ data, attributes }) => {
        if (data.fileId !== asked.id) return false;
        assert.doesNotMatch(JSON.stringify([data, attributes]), /secret-path/);
        return attributes['callback'] === 'true';
      }),
    );
  });

  it('are the same for a repeat with the same key, and another URL is another upload', async () => {
    const key = randomBytes(8).toString('hex');
    const send = (url: string) =>
      service.call('POST', '/files', {
        body: 'once',
        headers: { 'idempotency-key': key, 'callback-url': url },
      });
    const first = (await (await send(`${receiver.origin}/a`)).json()) as { id: string };
    const again = (await (await send(`${receiver.origin}/a`)).json()) as { id: string };
    assert.equal(again.id, first.id);
    const other = await send(`${receiver.origin}/b`);
    assert.equal(other.status, 422);
    assert.match(((await other.json()) as { type: string }).type, /\/idempotency-key-reused$/);
  });

  const REFUSED = {
    'to the metadata server': 'http://169.254.169.254/computeMetadata/v1/',
    'to the metadata server by https': 'https://169.254.169.254/',
    'to a private address': 'https://10.0.0.1/',
    'to an origin that is not allowed': 'https://hooks.example.no/',
    'to another port': 'http://127.0.0.1:1/',
    'without a scheme': 'hooks.example.no',
    'with user information': 'https://user:secret@hooks.example.no/',
  };
  for (const [what, url] of Object.entries(REFUSED)) {
    it(`are refused ${what}, on each way in, and nothing is stored`, async () => {
      const stored = async () => [
        ...(await service.names('permanent')),
        ...(await service.names('unscanned')),
      ];
      const before = new Set(await stored());
      const answers = [
        await service.call('POST', '/files', { body: 'x', headers: { 'callback-url': url } }),
        await tus.send('POST', '/uploads', {
          headers: { 'upload-length': '1', 'upload-metadata': `callbackUrl ${base64(url)}` },
        }),
        await service.call('POST', '/uploads/direct', {
          body: JSON.stringify({ size: 1, callbackUrl: url }),
          headers: { 'content-type': 'application/json' },
        }),
      ];
      for (const answer of answers) {
        assert.equal(answer.status, 422);
        const { type, detail } = (await answer.json()) as { type: string; detail: string };
        assert.match(type, /\/callback-not-allowed$/);
        assert.match(detail, /callback/);
      }
      // Bytes of an earlier test may have gone meanwhile.
      assert.deepEqual(
        (await stored()).filter((name) => !before.has(name)),
        [],
      );
    });
  }
});

describe('a deployment without CALLBACK_ORIGINS', () => {
  const service = new Service();

  it('refuses an upload that asks for callbacks, and runs no notify function', async () => {
    const answer = await service.call('POST', '/files', {
      body: 'x',
      headers: { 'callback-url': 'https://hooks.example.no/' },
    });
    assert.equal(answer.status, 422);
    assert.match(((await answer.json()) as { detail: string }).detail, /sends no callbacks/);
    assert.throws(() => service.pid('notify'));
  });
});
