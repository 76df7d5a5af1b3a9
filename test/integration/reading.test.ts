import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { OWNER, Service } from '../support/service.ts';

const SIZE = 1_000_000;

/** A `multipart/byteranges` body: the Content-Range and the bytes of each part. */
function partsOf(contentType: string, body: Buffer): { range: string; type: string; bytes: Buffer }[] {
  const boundary =
    /^multipart\/byteranges; boundary=(\S+)$/.exec(contentType)?.[1] ?? assert.fail(contentType);
  const text = body.toString('latin1');
  assert.ok(text.startsWith(`--${boundary}\r\n`) && text.endsWith(`\r\n--${boundary}--\r\n`));
  const sections = text.slice(0, -`\r\n--${boundary}--\r\n`.length).slice(`--${boundary}\r\n`.length);
  return sections.split(`\r\n--${boundary}\r\n`).map((section) => {
    const end = section.indexOf('\r\n\r\n');
    const head = section.slice(0, end);
    return {
      range: /^content-range: (.*)$/im.exec(head)?.[1]?.trim() ?? '',
      type: /^content-type: (.*)$/im.exec(head)?.[1]?.trim() ?? '',
      bytes: Buffer.from(section.slice(end + 4), 'latin1'),
    };
  });
}

describe('reading a file', () => {
  const service = new Service();
  const bytes = randomBytes(SIZE);
  const sha256 = createHash('sha256').update(bytes).digest();
  const etag = `"${sha256.toString('hex')}"`;
  let path: string;
  let lastModified: string;
  before(async () => {
    const { id } = await service.upload(bytes, { 'content-type': 'image/png' });
    await service.decided(id);
    path = `/files/${id}`;
    lastModified = (await get()).headers.get('last-modified') ?? '';
  });
  afterEach(() => service.clearFaults());

  const get = (headers: Record<string, string> = {}, method = 'GET') =>
    service.call(method, path, { headers });

  it('has the headers that a client and its cache need', async () => {
    const { headers } = await get();
    assert.equal(headers.get('etag'), etag);
    assert.equal(headers.get('repr-digest'), `sha-256=:${sha256.toString('base64')}:`);
    assert.equal(headers.get('cache-control'), 'private, no-cache');
    assert.equal(headers.get('vary'), 'Authorization');
    assert.equal(headers.get('accept-ranges'), 'bytes');
    assert.equal(headers.get('content-type'), 'image/png');
    assert.equal(headers.get('content-disposition'), 'attachment');
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.ok(Math.abs(Date.parse(lastModified) - Date.now()) < 60_000);
  });

  it('HEAD has exactly the headers of GET, with a Range or without', async () => {
    const shown = (response: Response) =>
      [...response.headers]
        .filter(([name]) => !/^(date|connection|keep-alive)$/.test(name))
        .map((header) => header.join(': '));
    const whole = shown(await get());
    assert.deepEqual(shown(await get({}, 'HEAD')), whole);
    const ranged = await get({ range: 'bytes=0-1' }, 'HEAD');
    assert.deepEqual([ranged.status, shown(ranged)], [200, whole]);
  });

  it('is answered 304 or 412 where the conditions say so, in the order of RFC 9110', async () => {
    const earlier = new Date(Date.parse(lastModified) - 1000).toUTCString();
    for (const [headers, status] of [
      [{ 'if-none-match': etag }, 304],
      [{ 'if-modified-since': lastModified }, 304],
      [{ 'if-none-match': '"other"', 'if-modified-since': lastModified }, 200],
      [{ 'if-none-match': etag, range: 'bytes=5-1000000000' }, 304],
      [{ 'if-match': '"other"' }, 412],
      [{ 'if-match': '"other"', 'if-none-match': etag, range: 'bytes=1000000-' }, 412],
      [{ 'if-unmodified-since': earlier }, 412],
      [{ 'if-match': etag, 'if-unmodified-since': earlier }, 200],
      [{ range: 'bytes=0-1', 'if-range': etag }, 206],
      [{ range: 'bytes=0-1', 'if-range': lastModified }, 206],
      [{ range: 'bytes=0-1', 'if-range': earlier }, 200],
      [{ range: 'bytes=0-1', 'if-range': `W/${etag}` }, 200],
      [{ range: 'bytes=1000000-', 'if-range': '"other"' }, 200],
      [{ range: 'bytes=1000000-' }, 416],
    ] as [Record<string, string>, number][]) {
      const response = await get(headers);
      await response.arrayBuffer();
      assert.equal(response.status, status, JSON.stringify(headers));
      if (status !== 304) continue;
      assert.equal(response.headers.get('etag'), etag);
      assert.equal(response.headers.get('cache-control'), 'private, no-cache');
      assert.equal((await get(headers, 'HEAD')).status, 304);
    }
  });

  it('looks at no condition before it is known that the caller may read', async () => {
    const headers = { 'if-none-match': '*', range: 'bytes=1000000-' };
    assert.equal((await service.call('GET', path, { as: '', headers })).status, 401);
    assert.equal((await service.call('GET', path, { as: 'org:111111111', headers })).status, 404);
    const { id } = await service.upload('x'.repeat(100), { 'content-type': 'text/plain' });
    await service.fault({ operation: 'notify', effect: { kind: 'error', status: 503 } });
    const { id: pending } = await service.upload('not scanned');
    assert.equal((await service.call('GET', `/files/${pending}`, { headers })).status, 409);
    assert.equal((await service.decided(id)).state, 'clean');
  });

  it('in several ranges comes as parts, in the order asked for', async () => {
    const response = await get({ range: 'bytes=-5, 0-9, 500000-500999' });
    const body = Buffer.from(await response.arrayBuffer());
    assert.equal(response.status, 206);
    assert.equal(response.headers.get('content-range'), null);
    assert.equal(response.headers.get('content-length'), String(body.length));
    const expected = [
      [999_995, 999_999],
      [0, 9],
      [500_000, 500_999],
    ] as const;
    assert.deepEqual(
      partsOf(response.headers.get('content-type') ?? '', body),
      expected.map(([start, end]) => ({
        range: `bytes ${start}-${end}/${SIZE}`,
        type: 'image/png',
        bytes: bytes.subarray(start, end + 1),
      })),
    );
  });

  it('in ranges that overlap comes as one, and in too many as the whole', async () => {
    const overlapping = await get({ range: 'bytes=0-600,500-999' });
    assert.equal(overlapping.headers.get('content-range'), `bytes 0-999/${SIZE}`);
    assert.ok(Buffer.from(await overlapping.arrayBuffer()).equals(bytes.subarray(0, 1000)));
    const many = await get({ range: `bytes=${Array.from({ length: 17 }, (_, i) => `${i}000-${i}001`)}` });
    assert.deepEqual([many.status, (await many.arrayBuffer()).byteLength], [200, SIZE]);
  });

  describe('when a bit flips between Cloud Storage and us', () => {
    for (const [what, headers] of [
      ['a whole', {}],
      ['a range that is the whole', { range: 'bytes=0-' }],
    ] as [string, Record<string, string>][]) {
      it(`${what} is never completed`, async () => {
        await service.fault({ operation: 'objects.getMedia', times: 1, effect: { kind: 'corrupt' } });
        const { status, received, broke } = await readOut(headers);
        assert.ok(broke, `${status} with ${received} bytes of ${SIZE}`);
        assert.ok(received < SIZE);
      });
    }

    it('a file of one byte is a problem, because nothing of it is out yet', async () => {
      const { id } = await service.upload('y');
      await service.decided(id);
      await service.fault({ operation: 'objects.getMedia', times: 1, effect: { kind: 'corrupt' } });
      assert.equal((await service.call('GET', `/files/${id}`)).status, 500);
      assert.equal(await (await service.call('GET', `/files/${id}`)).text(), 'y');
    });
  });

  async function readOut(headers: Record<string, string>) {
    const response = await get(headers);
    let received = 0;
    try {
      for await (const piece of response.body ?? []) received += piece.length;
      return { status: response.status, received, broke: false };
    } catch {
      return { status: response.status, received, broke: true };
    }
  }

  it('gives a client that reads slowly the same bytes', async () => {
    const large = randomBytes(40_000_000);
    const { id } = await service.uploadDirect(large, { contentType: 'image/png' });
    await service.decided(id);
    const { body } = await service.call('GET', `/files/${id}`);
    const received = createHash('sha256');
    let pieces = 0;
    for await (const piece of body ?? []) {
      received.update(piece);
      if (++pieces % 32 === 0) await pause(5);
    }
    assert.equal(received.digest('hex'), createHash('sha256').update(large).digest('hex'));
  });

  it('goes on where Cloud Storage broke off, for a whole and for parts', async () => {
    for (const range of [undefined, 'bytes=0-399999,600000-']) {
      await service.resetOperations();
      const effect = { kind: 'truncate', bytes: 100_000 } as const;
      await service.fault({ operation: 'objects.getMedia', times: 2, effect });
      const response = await get(range === undefined ? {} : { range });
      const body = Buffer.from(await response.arrayBuffer());
      if (range === undefined) assert.ok(body.equals(bytes));
      else {
        const parts = partsOf(response.headers.get('content-type') ?? '', body);
        const expected = [bytes.subarray(0, 400_000), bytes.subarray(600_000)];
        assert.ok(parts.every((part, at) => part.bytes.equals(expected[at] ?? Buffer.of())));
      }
      await service.clearFaults();
    }
  });

  it('in parts breaks the connection where the second part cannot be had', async () => {
    await service.fault({ operation: 'objects.getMedia', nth: 2, effect: { kind: 'error', status: 403 } });
    await assert.rejects(async () => (await get({ range: 'bytes=0-9,500000-500009' })).arrayBuffer());
  });

  it('hands out nothing where what is stored is not what the record names', async () => {
    const { id } = await service.upload(randomBytes(1000));
    await service.decided(id);
    const verdict = await service.bucket('permanent').stat(`verdicts/${id}`);
    assert.ok(verdict);
    await service.bucket('permanent').patch(verdict.name, verdict, { sha256: sha256.toString('hex') });
    for (const headers of [{}, { 'if-none-match': etag }, { range: 'bytes=0-1' }]) {
      assert.equal((await service.call('GET', `/files/${id}`, { headers })).status, 500);
    }
  });

  describe('as FHIR', () => {
    const accept = 'application/fhir+json, application/json;q=0.5';

    it('is an Attachment for a resource to hold', async () => {
      const { id, createdAt } = await service.upload(bytes, {
        'content-type': 'application/pdf',
        'content-disposition': `attachment; filename*=UTF-8''r%C3%B8ntgen.pdf`,
      });
      await service.decided(id);
      const response = await service.call('GET', `/files/${id}/status`, { headers: { accept } });
      assert.equal(response.headers.get('content-type'), 'application/fhir+json; fhirVersion=4.0');
      assert.equal(response.headers.get('vary'), 'Accept');
      const attachment = (await response.json()) as { url: string };
      assert.deepEqual(attachment, {
        extension: [{ url: 'urn:hops-fileshare:fhir:sha256', valueBase64Binary: sha256.toString('base64') }],
        contentType: 'application/pdf',
        url: `${service.url}/files/${id}`,
        size: SIZE,
        title: 'røntgen.pdf',
        creation: createdAt,
      });
      const authorization = `Bearer ${await service.platform.token(OWNER)}`;
      const followed = await fetch(attachment.url, { headers: { authorization } });
      assert.ok(Buffer.from(await followed.arrayBuffer()).equals(bytes));
    });

    it('is a problem where the bytes are not to be had', async () => {
      await service.fault({ operation: 'notify', effect: { kind: 'error', status: 503 } });
      const { id } = await service.upload('waits');
      const response = await service.call('GET', `/files/${id}/status`, { headers: { accept } });
      assert.equal(response.status, 409);
      assert.ok(response.headers.has('retry-after'));
      const plain = await service.call('GET', `/files/${id}/status`, { headers: { accept: 'text/html' } });
      assert.equal(plain.headers.get('content-type'), 'application/json');
    });
  });
});
