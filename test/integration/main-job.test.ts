import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { overHosts } from '../support/over-hosts.ts';
import { EICAR, eventually, Service } from '../support/service.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

overHosts('the main job', (hosts) => {
  const service = new Service({ HOSTS: hosts });

  it('answers an upload with a handle, refuses the download while pending, then hands out the same bytes', async () => {
    const bytes = randomBytes(100_000);
    await service.fault({ operation: 'notify', times: 1, effect: { kind: 'error', status: 503 } });
    const response = await service.call('POST', '/files', {
      body: bytes,
      headers: {
        'content-type': 'application/pdf',
        'content-disposition': 'attachment; filename="røntgen.pdf"',
      },
    });
    assert.equal(response.status, 202);
    const handle = (await response.json()) as { id: string; createdAt: string };
    const self = `${service.filesUrl}/files/${handle.id}`;
    assert.equal(response.headers.get('location'), self);
    assert.ok(Number(response.headers.get('retry-after')) > 0);
    assert.deepEqual(handle, {
      id: handle.id,
      state: 'pending',
      owner: 'org:889640782',
      viewerCount: 0,
      contentType: 'application/pdf',
      fileName: 'røntgen.pdf',
      size: bytes.length,
      sha256: sha256(bytes),
      createdAt: handle.createdAt,
      links: { self, status: `${self}/status` },
    });

    const early = await service.call('GET', `/files/${handle.id}`);
    assert.equal(early.status, 409);
    assert.ok(early.headers.has('retry-after'));
    assert.equal(
      ((await early.json()) as { type: string }).type,
      `${service.filesUrl}/problems/not-scanned-yet`,
    );

    assert.equal((await service.decided(handle.id)).state, 'clean');
    const download = await service.call('GET', `/files/${handle.id}`);
    assert.equal(download.status, 200);
    assert.equal(sha256(Buffer.from(await download.arrayBuffer())), sha256(bytes));
    assert.equal(download.headers.get('content-type'), 'application/pdf');
    assert.equal(download.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(download.headers.get('etag'), `"${sha256(bytes)}"`);
    assert.match(
      download.headers.get('content-disposition') ?? '',
      /^attachment; .*filename\*=UTF-8''r%C3%B8ntgen\.pdf/,
    );
  });

  it('finds EICAR, never hands it out, and keeps it in quarantine alone', async () => {
    const { id } = await service.upload(EICAR);
    const handle = await service.decided(id);
    assert.equal(handle.state, 'infected');
    assert.match(handle.signature ?? '', /Eicar/i);
    for (const headers of [{}, { range: 'bytes=0-3' }]) {
      const response = await service.call('GET', `/files/${id}`, { headers });
      assert.equal(response.status, 410);
      assert.equal(
        ((await response.json()) as { type: string }).type,
        `${service.filesUrl}/problems/file-infected`,
      );
    }
    assert.deepEqual(await service.names('quarantine', id), [id]);
    assert.deepEqual(await service.names('permanent', `blobs/sha256/${sha256(Buffer.from(EICAR))}`), []);
    await eventually(async () => (await service.names('unscanned', id)).length === 0);
  });

  it('tells a subscriber of each verdict, without the file name', async () => {
    const clean = await service.upload(randomBytes(10), {
      'content-disposition': 'attachment; filename="secret.txt"',
    });
    const infected = await service.upload(EICAR);
    for (const [{ id }, verdict] of [
      [clean, 'clean'],
      [infected, 'infected'],
    ] as const) {
      const event = await eventually(async () =>
        (await service.events()).find(({ data }) => data.fileId === id),
      );
      assert.equal(event.data.verdict, verdict);
      assert.equal(event.attributes['verdict'], verdict);
      assert.equal(event.attributes['owner'], 'org:889640782');
      assert.equal(event.attributes['ce-type'], 'no.nav.hops.fileshare.scan.completed.v1');
      assert.ok(event.attributes['ce-id']?.startsWith(`${id}/`));
      assert.ok(!JSON.stringify(event).includes('secret'));
    }
  });

  it('stores a content once, and neither scans nor reads it again for a second file', async () => {
    const bytes = randomBytes(300_000);
    const first = await service.upload(bytes);
    await service.decided(first.id);
    await service.resetOperations();
    const second = await service.upload(bytes);
    assert.notEqual(second.id, first.id);
    assert.equal((await service.decided(second.id)).state, 'clean');
    const { operations } = await service.operations();
    assert.equal(operations['objects.getMedia']?.calls ?? 0, 0, 'no byte read');
    assert.equal(operations['objects.rewrite']?.calls ?? 0, 0, 'nothing promoted again');
    assert.equal((await service.names('permanent', `blobs/sha256/${sha256(bytes)}`)).length, 1);
    const download = await service.call('GET', `/files/${second.id}`);
    assert.equal(sha256(Buffer.from(await download.arrayBuffer())), sha256(bytes));
  });

  it('costs a clean file four operations of class A and seven of class B, and reads it once', async () => {
    const bytes = randomBytes(50_000);
    await eventually(async () => (await service.names('unscanned')).length === 0);
    await service.resetOperations();
    const { id } = await service.upload(bytes);
    await eventually(async () => (await service.events()).some(({ data }) => data.fileId === id));
    const { operations } = await service.operations();
    const calls = (name: keyof typeof operations) => operations[name]?.calls ?? 0;
    assert.equal(calls('objects.insert'), 3, 'the object, its record, its verdict');
    assert.equal(calls('objects.rewrite'), 1);
    assert.equal(calls('objects.patch'), 0);
    assert.equal(calls('objects.get'), 6, 'twice its record, its verdict, its blob, twice a finding');
    assert.equal(calls('objects.getMedia'), 1);
    assert.equal(operations['objects.getMedia']?.bytesOut, bytes.length);
  });

  it('holds the answer for as long as the client prefers to wait', async () => {
    const clean = await service.call('POST', '/files', {
      body: randomBytes(10),
      headers: { prefer: 'wait=30' },
    });
    assert.equal(clean.status, 201);
    assert.equal(clean.headers.get('preference-applied'), 'wait=30');
    assert.equal(((await clean.json()) as { state: string }).state, 'clean');
    const infected = await service.call('POST', '/files', { body: EICAR, headers: { prefer: 'wait=30' } });
    assert.equal(infected.status, 410);
    assert.match(infected.headers.get('content-type') ?? '', /problem\+json/);
  });

  it('scans and hands out an empty file', async () => {
    const { id, size } = await service.upload('');
    assert.equal(size, 0);
    assert.equal((await service.decided(id)).state, 'clean');
    const download = await service.call('GET', `/files/${id}`);
    assert.deepEqual([download.status, await download.text()], [200, '']);
  });

  describe('a download', () => {
    const bytes = randomBytes(1_000_000);
    let path: string;
    before(async () => {
      const { id } = await service.upload(bytes);
      await service.decided(id);
      path = `/files/${id}`;
    });

    for (const [range, start, end] of [
      ['bytes=0-0', 0, 0],
      ['bytes=100-199', 100, 199],
      ['bytes=999990-', 999_990, 999_999],
      ['bytes=-5', 999_995, 999_999],
      ['bytes=999990-2000000', 999_990, 999_999],
    ] as const) {
      it(`answers Range: ${range} with exactly that`, async () => {
        const response = await service.call('GET', path, { headers: { range } });
        assert.equal(response.status, 206);
        assert.equal(response.headers.get('content-range'), `bytes ${start}-${end}/1000000`);
        assert.ok(Buffer.from(await response.arrayBuffer()).equals(bytes.subarray(start, end + 1)));
      });
    }

    it('answers a range beyond its end with 416 and its size', async () => {
      const response = await service.call('GET', path, { headers: { range: 'bytes=1000000-' } });
      assert.equal(response.status, 416);
      assert.equal(response.headers.get('content-range'), 'bytes */1000000');
    });

    it('answers another unit, nonsense and a changed If-Range with the whole', async () => {
      for (const headers of [
        { range: 'lines=1-2' },
        { range: 'bytes=x' },
        { range: 'bytes=0-1', 'if-range': '"other"' },
      ] as Record<string, string>[]) {
        const response = await service.call('GET', path, { headers });
        assert.equal(response.status, 200, JSON.stringify(headers));
        assert.equal((await response.arrayBuffer()).byteLength, bytes.length);
      }
    });

    it('answers HEAD with the headers alone', async () => {
      const response = await service.call('HEAD', path);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-length'), '1000000');
      assert.equal((await response.arrayBuffer()).byteLength, 0);
    });

    it('breaks the connection where storage breaks for good, and never ends short', async () => {
      await service.fault({
        operation: 'objects.getMedia',
        times: 1,
        effect: { kind: 'truncate', bytes: 500_000 },
      });
      await service.fault({
        operation: 'objects.getMedia',
        nth: 2,
        times: 1,
        effect: { kind: 'error', status: 403 },
      });
      try {
        await assert.rejects(async () => (await service.call('GET', path)).arrayBuffer());
      } finally {
        await service.clearFaults();
      }
    });

    it('is refused once newer signatures have found its content infected', async () => {
      const permanent = service.bucket('permanent');
      const [name = ''] = await service.names('permanent', `blobs/sha256/${sha256(bytes)}`);
      const blob = await permanent.stat(name);
      assert.ok(blob);
      await permanent.patch(name, blob, { signature: 'Win.Late.Finding' });
      for (const method of ['GET', 'HEAD']) assert.equal((await service.call(method, path)).status, 410);
      const again = await service.upload(bytes);
      assert.equal((await service.decided(again.id)).state, 'infected');
    });
  });
});
