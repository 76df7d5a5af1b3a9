import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { CollectReport } from '../../functions/sweeper/collect.ts';
import type { SweepReport } from '../../functions/sweeper/sweep.ts';
import { emailOf } from '../../infra/local/processes/identity.ts';
import type { Handle } from '../../shared/files/handle.ts';
import { type CallInit, eventually, OWNER, Service } from '../support/service.ts';
import { TusRequests } from '../support/tus.ts';

const READER = 'org:123456785';
const GROUP = 'group:radiology';
const ABOVE = 100_000;
const JSON_TYPE = { 'content-type': 'application/json' };
const base64 = (text: string) => Buffer.from(text).toString('base64');
const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const REDIRECTING = {
  REDIRECT_ABOVE_BYTES: String(ABOVE),
  SIGNED_URL_SECONDS: '300',
  SIGNING_KEY: JSON.stringify({
    client_email: emailOf('files'),
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }),
};

describe('ends of files and grants', () => {
  const service = new Service(
    {},
    { adapt: (spec) => (spec.name === 'files' ? { ...spec, env: { ...spec.env, ...REDIRECTING } } : spec) },
  );
  // Ends are moved by hand, right after the service wrote the record.
  service.contends();
  const tus = new TusRequests(service);

  async function clean(headers: Record<string, string> = {}, bytes = randomBytes(100)): Promise<string> {
    const { id } = await service.upload(bytes, headers);
    assert.equal((await service.decided(id)).state, 'clean');
    return id;
  }
  const call = (method: string, path: string, body?: unknown, init: CallInit = {}) =>
    service.call(method, path, {
      ...init,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { ...JSON_TYPE, ...init.headers } }),
    });
  const setEnd = (id: string, expiresAt: string) => call('PUT', `/files/${id}/expiration`, { expiresAt });
  const grant = (id: string, principal: string, body?: unknown) =>
    call('PUT', `/files/${id}/viewers/${principal}`, body);
  /** The status, and the type of the problem where it is one. */
  async function answer(response: Response): Promise<string> {
    const text = await response.text();
    const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
    return isProblem ? `${response.status} ${JSON.parse(text).type.split('/').pop()}` : `${response.status}`;
  }
  const read = async (id: string, as = OWNER, groups: string[] = []) =>
    answer(await service.call('GET', `/files/${id}`, { as, groups }));
  /** Moves what is written in the record into the past. */
  async function age(
    id: string,
    change: (metadata: Readonly<Record<string, string>>) => object,
  ): Promise<void> {
    const permanent = service.bucket('permanent');
    await eventually(async () => {
      const object = (await permanent.stat(`files/${id}`)) ?? assert.fail();
      return permanent.patch(object.name, object, change(object.metadata) as Record<string, string>);
    });
  }
  const reached = (id: string) => age(id, () => ({ fileExpiresAt: new Date(Date.now() - 1).toISOString() }));
  const grantsReached = (id: string) =>
    age(id, ({ viewers = '' }) => ({ viewers: viewers.replaceAll(/;\d+/g, `;${Date.now() - 1}`) }));
  async function sweeper<Report>(path: string): Promise<Report> {
    const response = await service.sweeper(path);
    assert.equal(response.status, 200);
    return (await response.json()) as Report;
  }
  const eventsOf = async (id: string, type: string) =>
    (await service.events()).filter(
      ({ attributes, data }) => attributes['eventType'] === type && data.fileId === id,
    );
  const eventOf = (id: string, type: string) => eventually(async () => (await eventsOf(id, type))[0]);

  const ways: Readonly<Record<string, (expiresAt: string, bytes: Buffer<ArrayBuffer>) => Promise<Response>>> =
    {
      'POST /files': (at, body) => service.call('POST', '/files', { body, headers: { 'expires-at': at } }),
      'POST /files with a form': async (at, bytes) => {
        const form = new FormData();
        form.append('file', new Blob([bytes]), 'a.bin');
        const sent = new Response(form);
        const headers = { 'content-type': sent.headers.get('content-type') ?? '', 'expires-at': at };
        return service.call('POST', '/files', { body: Buffer.from(await sent.arrayBuffer()), headers });
      },
      'POST /files in parts': (at, bytes) =>
        service.call('POST', '/files', {
          body: bytes.subarray(0, 10) as Buffer<ArrayBuffer>,
          headers: { 'expires-at': at, 'upload-complete': '?0', 'upload-length': String(bytes.length) },
        }),
      'POST /uploads': (at, bytes) =>
        tus.send('POST', '/uploads', {
          headers: { 'upload-length': String(bytes.length), 'upload-metadata': `expiresAt ${base64(at)}` },
        }),
      'POST /uploads/direct': (expiresAt, { length: size }) =>
        call('POST', '/uploads/direct', { size, expiresAt }),
    };

  for (const [way, begin] of Object.entries(ways)) {
    it(`of a file are set at its upload, and told: ${way}`, async () => {
      const [expiresAt, bytes] = [inSeconds(3600), randomBytes(100)];
      const begun = await begin(expiresAt, bytes);
      assert.ok(begun.ok, await begun.clone().text());
      const told = (await begun.json()) as Handle & { handle?: Handle; uploadUrl?: string };
      const handle = told.handle ?? told;
      assert.equal(handle.expiresAt, expiresAt);
      // An upload is over with its file.
      if (handle.upload) assert.equal(handle.upload.expiresAt, expiresAt);
      const location = begun.headers.get('location') ?? '';
      if (way === 'POST /uploads') await tus.patch(`/uploads/${handle.id}`, 0, bytes);
      if (way === 'POST /files in parts') {
        const headers = {
          'content-type': 'application/partial-upload',
          'upload-offset': '10',
          'upload-complete': '?1',
        };
        const rest = bytes.subarray(10) as Buffer<ArrayBuffer>;
        assert.ok(
          (await service.call('PATCH', new URL(location, service.url).pathname, { body: rest, headers })).ok,
        );
      }
      if (told.uploadUrl) await fetch(told.uploadUrl, { method: 'PUT', body: bytes });
      assert.equal((await service.decided(handle.id)).expiresAt, expiresAt);
      assert.equal(await read(handle.id), '200');
    });

    for (const [what, at, problem] of [
      ['in the past', inSeconds(-1), '422 end-not-possible'],
      ['too far in the future', '2999-01-01T00:00:00Z', '422 end-not-possible'],
      ['without a zone', '2027-01-01T00:00:00', '400 invalid-request'],
      ['no time', 'tomorrow', '400 invalid-request'],
    ] as const) {
      it(`of a file are refused where they are ${what}: ${way}`, async () => {
        assert.equal(await answer(await begin(at, randomBytes(100))), problem);
      });
    }
  }

  it('of a file are set, moved and removed later, on a version, by its owner alone', async () => {
    const id = await clean();
    const [first, second] = [inSeconds(3600), inSeconds(7200)];
    const response = await setEnd(id, first);
    assert.equal(await answer(response), '204');
    const stale = { headers: { 'if-match': '"1-1"' } };
    const body = { expiresAt: second };
    assert.equal(
      await answer(await call('PUT', `/files/${id}/expiration`, body, stale)),
      '412 precondition-failed',
    );
    const current = { headers: { 'if-match': response.headers.get('etag') ?? '' } };
    assert.equal(await answer(await call('PUT', `/files/${id}/expiration`, body, current)), '204');
    assert.equal((await service.status(id)).expiresAt, second);
    for (const times of [1, 2])
      assert.equal(await answer(await call('DELETE', `/files/${id}/expiration`)), '204', `${times}`);
    assert.equal((await service.status(id)).expiresAt, undefined);
    for (const wrong of [{}, { expiresAt: null }, { expiresAt: second, more: 1 }])
      assert.equal(await answer(await call('PUT', `/files/${id}/expiration`, wrong)), '400 invalid-request');
    assert.equal(await answer(await setEnd(id, inSeconds(-1))), '422 end-not-possible');
  });

  it('of a file and references to it exclude each other', async () => {
    const id = await clean();
    const reference = `/files/${id}/references/urn%3Ax%3A1`;
    assert.equal(await answer(await call('PUT', reference)), '204');
    assert.equal(await answer(await setEnd(id, inSeconds(3600))), '409 file-referenced');
    assert.equal(await answer(await call('DELETE', reference)), '204');
    assert.equal(await answer(await setEnd(id, inSeconds(3600))), '204');
    assert.equal(await answer(await call('PUT', reference)), '409 file-expires');
    assert.equal(await answer(await call('DELETE', `/files/${id}/expiration`)), '204');
    assert.equal(await answer(await call('PUT', reference)), '204');
  });

  it('of a file are enforced when they are reached: 410 to those who saw it, 404 to everybody else', async () => {
    const id = await clean({ 'content-disposition': 'attachment; filename=secret.txt' });
    await grant(id, READER);
    await grant(id, 'org:987654321', { until: inSeconds(3600) });
    await setEnd(id, inSeconds(3600));
    await grantsReached(id);
    assert.equal(await read(id, READER), '200');
    await reached(id);
    assert.equal(await read(id), '410 file-deleted');
    assert.equal(await read(id, READER), '410 file-deleted');
    assert.equal(await read(id, 'org:987654321'), '404 not-found');
    assert.equal(await read(id, 'org:111111111'), '404 not-found');
    const { state, deletedAt, expiresAt, fileName } = await service.status(id, 20);
    assert.deepEqual([state, deletedAt, fileName], ['deleted', expiresAt, undefined]);
    for (const [method, path, body] of [
      ['PUT', `viewers/${READER}`, undefined],
      ['PUT', 'references/urn%3Ax%3A1', undefined],
      ['PUT', 'expiration', { expiresAt: inSeconds(3600) }],
      ['DELETE', 'expiration', undefined],
      ['POST', 'rescan', undefined],
      ['GET', 'verdict', undefined],
    ] as const)
      assert.equal(await answer(await call(method, `/files/${id}/${path}`, body)), '410 file-deleted', path);
    const listed = await service.call('GET', '/files?limit=1000');
    assert.ok(!((await listed.json()) as { files: Handle[] }).files.some((file) => file.id === id));
    const { records } = await sweeper<CollectReport>('/collect');
    assert.ok((records.announced ?? 0) > 0, JSON.stringify(records));
    const { data } = await eventOf(id, 'file.deleted.v1');
    assert.equal(data['deletedAt'], expiresAt);
    assert.equal(await read(id), '410 file-deleted');
  });

  it('of a file that come while it waits for its scan, or is uploaded, are its end', async () => {
    const opened = await tus.send('POST', '/uploads', {
      headers: { 'upload-length': '100', 'upload-metadata': `expiresAt ${base64(inSeconds(3600))}` },
    });
    const { id } = (await opened.json()) as Handle;
    await reached(id);
    const next = await tus.send('HEAD', `/uploads/${id}`);
    assert.equal(next.status, 410);
    assert.equal((await service.status(id, 20)).state, 'deleted');
  });

  it('of a grant are enforced when they are reached, last one first, and the group keeps its own', async () => {
    const id = await clean();
    const until = inSeconds(3600);
    assert.equal(await answer(await grant(id, READER, { until: inSeconds(60) })), '204');
    assert.equal(await answer(await grant(id, READER, { until })), '204');
    const later = inSeconds(7200);
    const body = { grant: [{ principal: GROUP, until: later }, 'org:987654321'] };
    assert.equal(await answer(await call('PATCH', `/files/${id}/viewers`, body)), '204');
    assert.deepEqual(await (await service.call('GET', `/files/${id}/viewers`)).json(), {
      owner: OWNER,
      viewers: [READER, GROUP, 'org:987654321'],
      until: { [READER]: until, [GROUP]: later },
    });
    const seen = await service.call('GET', `/files/${id}/status`, { as: READER });
    assert.equal(((await seen.json()) as Handle).until, until);
    await grantsReached(id);
    assert.equal((await service.status(id)).viewerCount, 1);
    assert.equal(await read(id, READER), '404 not-found');
    assert.equal(await read(id, 'org:111111111', ['radiology']), '404 not-found');
    assert.equal(await read(id, 'org:987654321'), '200');
    const shared = async (as: string) => {
      const response = await service.call('GET', '/files?shared=with-me', { as });
      return ((await response.json()) as { files: Handle[] }).files.map((file) => file.id);
    };
    assert.ok(!(await shared(READER)).includes(id));
    assert.ok((await shared('org:987654321')).includes(id));
    const { records } = await sweeper<SweepReport>('/sweep');
    assert.ok((records.grantsEnded ?? 0) > 0, JSON.stringify(records));
    assert.equal((await service.status(id)).viewerCount, 1);
    // Given anew, without an end.
    assert.equal(await answer(await grant(id, READER)), '204');
    assert.equal(await read(id, READER), '200');
    assert.deepEqual(await shared(READER).then((ids) => ids.includes(id)), true);
  });

  it('of a grant are refused where they are no time or not possible, and nothing is granted', async () => {
    const id = await clean();
    for (const [body, problem] of [
      [{ until: inSeconds(-1) }, '422 end-not-possible'],
      [{ until: '2999-01-01T00:00:00Z' }, '422 end-not-possible'],
      [{ until: '2027-01-01' }, '400 invalid-request'],
      [{ until: 5 }, '400 invalid-request'],
      [{ till: inSeconds(5) }, '400 invalid-request'],
    ] as const) {
      assert.equal(await answer(await grant(id, READER, body)), problem);
      const entry = { principal: READER, ...body };
      const several = await call('PATCH', `/files/${id}/viewers`, { grant: ['org:5', entry] });
      assert.equal(await answer(several), problem);
    }
    assert.equal(
      await answer(await grant(id, READER, [])),
      '400 invalid-request',
      'a list is no grant without an end',
    );
    assert.equal((await service.status(id)).viewerCount, 0);
  });

  it('of a grant are enforced on a viewer who waits for the verdict meanwhile', async () => {
    await service.fault({ operation: 'notify', effect: { kind: 'error', status: 503 } });
    const { id } = await service.upload(randomBytes(100));
    await grant(id, READER, { until: inSeconds(3600) });
    await service.resetOperations();
    const waiting = service.call('GET', `/files/${id}/status`, { as: READER, headers: { prefer: 'wait=5' } });
    // It has found the file, and looks again.
    const reads = async () => (await service.operations()).operations['objects.get']?.calls ?? 0;
    await eventually(async () => (await reads()) > 4);
    await grantsReached(id);
    assert.equal(await answer(await waiting), '404 not-found');
    await service.clearFaults();
  });

  it('bound the time for which a signed URL is good', async () => {
    const id = await clean({}, randomBytes(ABOVE + 1));
    const goodFor = async (as: string) => {
      const response = await service.call('GET', `/files/${id}`, { as });
      assert.equal(response.status, 307);
      return Number(new URL(response.headers.get('location') ?? '').searchParams.get('X-Goog-Expires'));
    };
    assert.equal(await goodFor(OWNER), 300);
    await grant(id, READER, { until: inSeconds(100) });
    assert.ok((await goodFor(READER)) <= 100);
    assert.equal(await goodFor(OWNER), 300);
    await setEnd(id, inSeconds(50));
    for (const as of [OWNER, READER]) assert.ok((await goodFor(as)) <= 50);
    await age(id, () => ({ fileExpiresAt: inSeconds(0.9) }));
    // Too short for a URL: the bytes come from here, or the end was quicker.
    assert.match(await read(id), /^(200|410 file-deleted)$/);
  });

  it('leave a file out of nothing that its key promises: a repeat is told that it is over', async () => {
    const headers = {
      'idempotency-key': `key-${randomBytes(4).toString('hex')}`,
      'expires-at': inSeconds(3600),
    };
    const send = (others = {}) =>
      service.call('POST', '/files', {
        body: 'the same bytes',
        headers: { ...headers, 'content-disposition': 'attachment; filename=a.txt', ...others },
      });
    const { id } = (await (await send()).json()) as Handle;
    await service.decided(id);
    const again = await send({ 'expires-at': inSeconds(7200) });
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.equal(((await again.json()) as Handle).expiresAt, headers['expires-at']);
    await reached(id);
    assert.equal(await answer(await send()), '410 file-deleted');
  });

  it('are announced: each grant that is new once, and a file that is about to end', async () => {
    const id = await clean({ 'correlation-id': 'message-1' });
    const until = inSeconds(3600);
    for (const body of [{ until }, { until }, { until: inSeconds(7200) }, undefined])
      await grant(id, READER, body);
    const event = await eventOf(id, 'file.shared.v1');
    assert.deepEqual(
      [event.data['sharedWith'], event.data['until'], event.attributes['sharedWith']],
      [READER, until, READER],
    );
    await call('DELETE', `/files/${id}/viewers/${READER}`);
    await grant(id, READER);
    const ids = async () =>
      new Set((await eventsOf(id, 'file.shared.v1')).map(({ attributes }) => attributes['ce-id']));
    await eventually(async () => (await ids()).size === 2);
    await setEnd(id, inSeconds(3600));
    await age(id, () => ({ createdAt: inSeconds(-2 * 86_400) }));
    for (const times of [1, 2]) assert.ok(await sweeper('/sweep'), `${times}`);
    const expiring = await eventOf(id, 'file.expiring.v1');
    assert.equal(expiring.data['expiresAt'], (await service.status(id)).expiresAt);
    assert.equal((await eventsOf(id, 'file.expiring.v1')).length, 1);
    assert.equal((await ids()).size, 2);
    const { broken } = await service.audit();
    assert.deepEqual(broken, {});
  });
});
