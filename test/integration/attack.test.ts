import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { type CallInit, EICAR, OWNER, Service } from '../support/service.ts';
import { idOf, OFFSET_TYPE, sha256, TusRequests } from '../support/tus.ts';

const ATTACKER = 'org:123456785';
const PARTIAL_TYPE = 'application/partial-upload';

describe('an attacker', () => {
  const service = new Service();
  // Combinations and deletions meet at the same names.
  service.contends();
  const tus = new TusRequests(service);

  async function partial(bytes: string, as = OWNER): Promise<string> {
    const headers = { ...OFFSET_TYPE, 'upload-concat': 'partial', 'upload-length': String(bytes.length) };
    const response = await tus.send('POST', '/uploads', { as, headers, body: bytes });
    assert.equal(response.status, 201);
    return response.headers.get('location') ?? assert.fail();
  }
  const combine = (paths: readonly string[], as = OWNER) =>
    tus.send('POST', '/uploads', { as, headers: { 'upload-concat': `final;${paths.join(' ')}` } });

  it('combines no partial upload of others, however its address is spelled', async () => {
    const [first, second] = [await partial('secret '), await partial('of the owner')];
    const own = await partial('mine', ATTACKER);
    const spellings = [
      second,
      `${second}/`,
      `${second}?x`,
      `http://elsewhere.example${second}`,
      `/uploads/.${second}`,
    ];
    for (const spelling of spellings) {
      assert.equal((await combine([own, spelling], ATTACKER)).status, 404, spelling);
    }
    const made = await combine([first, second]);
    const id = idOf(made.headers.get('location') ?? '');
    assert.equal((await service.decided(id)).state, 'clean');
    assert.equal(await (await service.call('GET', `/files/${id}`)).text(), 'secret of the owner');
  });

  it('makes a file of no partial upload', async () => {
    const path = await partial('a part');
    const id = idOf(path);
    const complete = { 'upload-offset': '6', 'upload-complete': '?1', 'content-type': PARTIAL_TYPE };
    const doors: readonly (readonly [string, string, CallInit?])[] = [
      ['GET', `/files/${id}`],
      ['GET', `/files/${id}/status`],
      ['PUT', `/files/${id}/viewers/${ATTACKER}`],
      ['DELETE', `/files/${id}`],
      ['HEAD', `/uploads/resumable/${id}`],
      ['PATCH', `/uploads/resumable/${id}`, { headers: complete, body: Buffer.alloc(0) }],
    ];
    for (const [method, door, init] of doors) {
      assert.equal((await service.call(method, door, init)).status, 404, `${method} ${door}`);
    }
    assert.equal(await tus.offset(path), 6);
  });

  it('leaves a file whole by deleting its parts while they are combined', async () => {
    for (let n = 0; n < 2; n++) {
      const parts = [await partial(`first ${n}, `), await partial(`second ${n}`)];
      const [made] = await Promise.all([combine(parts), ...parts.map((path) => tus.send('DELETE', path))]);
      // Either the deletion was first, or there is a whole file.
      if (made?.status !== 201) continue;
      const id = idOf(made.headers.get('location') ?? '');
      assert.equal((await service.decided(id)).state, 'clean');
      assert.equal(await (await service.call('GET', `/files/${id}`)).text(), `first ${n}, second ${n}`);
    }
  });

  it('hides malware across parts from nobody', async () => {
    const made = await combine([await partial(EICAR.slice(0, 30)), await partial(EICAR.slice(30))]);
    const id = idOf(made.headers.get('location') ?? '');
    assert.equal((await service.decided(id)).state, 'infected');
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
  });

  it('gets no content by its digest, with other bytes or with none', async () => {
    const secret = Buffer.from('a content that only its digest is known of');
    const { id } = await service.upload(secret);
    assert.equal((await service.decided(id)).state, 'clean');
    const order = JSON.stringify({ size: secret.length, sha256: sha256(secret) });
    const headers = { 'content-type': 'application/json' };
    const opened = await service.call('POST', '/uploads/direct', { as: ATTACKER, headers, body: order });
    const { uploadUrl, handle } = (await opened.json()) as { uploadUrl: string; handle: { id: string } };
    const download = async () => (await service.call('GET', `/files/${handle.id}`, { as: ATTACKER })).status;
    assert.equal(await download(), 409);
    assert.equal((await fetch(uploadUrl, { method: 'PUT', body: Buffer.alloc(secret.length) })).status, 200);
    const wait = { as: ATTACKER, headers: { prefer: 'wait=60' } };
    const status = await service.call('GET', `/files/${handle.id}/status`, wait);
    assert.match(await status.text(), /"state":"failed".*"reason":"contentMismatch"/);
    assert.equal(await download(), 410);
  });

  it('makes of one request with ambiguous framing neither two requests nor a file', async () => {
    const token = await service.platform.token(ATTACKER);
    const second = 'GET /files HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
    const framings: readonly (readonly [string, string])[] = [
      ['Content-Length: 4\r\nTransfer-Encoding: chunked', `0\r\n\r\n${second}`],
      ['Content-Length: 3\r\nContent-Length: 5', 'abcde'],
      ['Content-Length: 3, 3', 'abc'],
      ['Content-Length: +3', 'abc'],
      ['Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', `0\r\n\r\n${second}`],
      ['Transfer-Encoding:\r\n chunked', `0\r\n\r\n${second}`],
      ['Transfer-Encoding : chunked', `0\r\n\r\n${second}`],
      ['Transfer-Encoding: xchunked', `0\r\n\r\n${second}`],
      ['Transfer-Encoding: chunked', `3\nabc\n0\n\n${second}`],
    ];
    for (const [framing, body] of framings) {
      const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
      await once(socket, 'connect');
      const head = `POST /files HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n${framing}\r\n\r\n`;
      socket.write(head + body);
      const answers = (await text(socket)).match(/^HTTP\/1\.1 \d+/gm);
      assert.equal(answers?.length, 1, framing);
      assert.match(answers[0] ?? '', / (?:400|501)$/, framing);
    }
    const own = await service.call('GET', '/files?state=uploading&state=pending&state=clean', {
      as: ATTACKER,
    });
    const { files } = (await own.json()) as { files: { size?: number }[] };
    assert.deepEqual(
      files.filter(({ size = 0 }) => size <= second.length),
      [],
    );
  });

  it('makes no shorter file of an upload by ending it in another protocol', async () => {
    const headers = { 'upload-complete': '?0', 'upload-length': '10' };
    const begun = await service.call('POST', '/files', { headers, body: 'hello' });
    const id = begun.headers.get('location')?.split('/').at(-1) ?? assert.fail();
    const shorter = await tus.patch(`/uploads/${id}`, 5, Buffer.from('!'), { 'upload-length': '6' });
    assert.equal(shorter.status, 400);
    const whole = await tus.patch(`/uploads/${id}`, 5, Buffer.from('world'), { 'upload-length': '10' });
    assert.equal(whole.status, 204);
    assert.equal((await service.decided(id)).state, 'clean');
    assert.equal(await (await service.call('GET', `/files/${id}`)).text(), 'helloworld');
  });

  it('refers by no FHIR resource to a content that was condemned since', async () => {
    const bytes = Buffer.from('a content that is condemned later');
    const { id } = await service.upload(bytes);
    assert.equal((await service.decided(id)).state, 'clean');
    const attachment = () =>
      service.call('GET', `/files/${id}/status`, { headers: { accept: 'application/fhir+json' } });
    assert.equal((await attachment()).status, 200);
    const order = JSON.stringify({ sha256: sha256(bytes), reason: 'a report of its sender' });
    assert.equal((await service.sweeper('/condemn', { as: 'operator', body: order })).status, 200);
    const refused = await attachment();
    assert.equal(refused.status, 410);
    assert.match(await refused.text(), /\/problems\/file-infected/);
  });

  it('learns of no file or upload of others by any method, condition or range', async () => {
    const { id } = await service.upload('somebody else has this');
    assert.equal((await service.decided(id)).state, 'clean');
    const upload = idOf(await tus.create({ 'upload-length': '10' }));
    const begun = await service.call('POST', '/files', { headers: { 'upload-complete': '?0' }, body: 'a' });
    const resumable = begun.headers.get('location')?.split('/').at(-1) ?? assert.fail();
    const authorization = `Bearer ${await service.platform.token(ATTACKER)}`;
    const outcome = async (method: string, path: string, there: string, headers: Record<string, string>) => {
      const init = { method, headers, ...(method === 'PATCH' && { body: '{}' }) };
      const response = await fetch(service.url + path, init);
      const { date: _, traceparent: __, ...shown } = Object.fromEntries(response.headers);
      return JSON.stringify([response.status, shown, await response.text()]).replaceAll(there, 'ID');
    };
    const headers: readonly Readonly<Record<string, string>>[] = [
      {},
      { 'if-match': '*' },
      { 'if-none-match': '*' },
      { range: 'bytes=99-' },
      { 'tus-resumable': '1.0.0', 'upload-offset': '0', ...OFFSET_TYPE },
      { 'upload-offset': '1', 'upload-complete': '?1', 'content-type': PARTIAL_TYPE },
    ];
    const paths: readonly (readonly [string, string])[] = [
      ...['', '/status', '/verdict', '/viewers', '/expiration', '/receipts', '/references', '/rescan'].map(
        (below) => [`/files/ID${below}`, id] as const,
      ),
      ['/uploads/ID', upload],
      ['/uploads/resumable/ID', resumable],
      ['/uploads/ID', id],
    ];
    for (const [path, there] of paths) {
      const none = `${there.slice(0, -4)}0000`;
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        for (const each of headers) {
          for (const sent of [{ authorization, ...each }, each]) {
            const one = await outcome(method, path.replace('ID', there), there, sent);
            const other = await outcome(method, path.replace('ID', none), none, sent);
            assert.equal(one, other, `${method} ${path} ${JSON.stringify(each)}`);
          }
        }
      }
    }
    assert.equal((await service.call('GET', `/files/${id}`)).status, 200);
  });
});
