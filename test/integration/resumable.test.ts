import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { Upload } from 'tus-js-client';
import type { ChildSpec } from '../../infra/local/processes/child.ts';
import type { Handle } from '../../shared/files/handle.ts';
import { Relay } from '../support/relay.ts';
import { type CallInit, eventually, OWNER, Service } from '../support/service.ts';

const MAX_BYTES = 10_000_000;
const PART = { 'content-type': 'application/partial-upload' };
const INTEROP = { 'upload-draft-interop-version': '8' };
const bytes = randomBytes(100_000);
const digest = (of: Buffer, algorithm = 'sha256') => createHash(algorithm).update(of).digest('base64');

function withMaximum(spec: ChildSpec): ChildSpec {
  if (spec.name !== 'upload') return spec;
  return { ...spec, env: { ...spec.env, MAX_UPLOAD_BYTES: String(MAX_BYTES) } };
}

describe('resumable uploads of the IETF draft', () => {
  const service = new Service({}, { adapt: withMaximum });
  const relay = new Relay();

  const begin = (body: Buffer<ArrayBuffer>, headers: Record<string, string>, init: CallInit = {}) =>
    service.call('POST', '/files', { ...init, body, headers });
  const patch = (path: string, offset: number, body: Buffer<ArrayBuffer>, headers: Record<string, string>) =>
    service.call('PATCH', path, { body, headers: { ...PART, 'upload-offset': String(offset), ...headers } });
  const files = () => service.names('permanent', 'files/');
  async function isProblem(
    response: Response,
    status: number,
    type: RegExp,
  ): Promise<Record<string, unknown>> {
    const problem = (await response.json()) as Record<string, unknown>;
    assert.equal(response.status, status, JSON.stringify(problem));
    assert.match(String(problem['type']), type);
    return problem;
  }
  /** @returns the path of an upload with so many bytes of the file */
  async function begun(there: number, headers: Record<string, string> = {}): Promise<string> {
    const response = await begin(bytes.subarray(0, there), { 'upload-complete': '?0', ...headers });
    assert.equal(response.status, 201, await response.clone().text());
    assert.equal(response.headers.get('upload-complete'), '?0');
    assert.equal(response.headers.get('upload-offset'), String(there));
    return response.headers.get('location') ?? '';
  }
  async function isFile(response: Response, of: Buffer): Promise<Handle> {
    // 201 where its verdict was already there.
    assert.ok([201, 202].includes(response.status), await response.clone().text());
    assert.equal(response.headers.get('upload-complete'), '?1');
    const { id } = (await response.json()) as Handle;
    assert.ok(response.headers.get('location')?.endsWith(`/files/${id}`));
    const decided = await service.decided(id);
    assert.equal(decided.state, 'clean');
    const download = await service.call('GET', `/files/${id}`);
    assert.ok(Buffer.from(await download.arrayBuffer()).equals(of));
    return decided;
  }

  it('are files only once the client says that they are complete', async () => {
    const path = await begun(4, {
      'upload-length': '100',
      'content-type': 'image/png',
      'content-disposition': 'inline; filename="a.png"',
      'correlation-id': 'message 1',
    });
    const id = path.split('/').at(-1) ?? '';
    const head = await service.call('HEAD', path);
    assert.equal(head.status, 204);
    assert.equal(head.headers.get('upload-offset'), '4');
    assert.equal(head.headers.get('upload-length'), '100');
    assert.equal(head.headers.get('upload-complete'), '?0');
    assert.match(
      head.headers.get('upload-limit') ?? '',
      /^max-size=10000000, max-append-size=\d+, max-age=\d+$/,
    );
    assert.match(head.headers.get('cache-control') ?? '', /no-store/);

    // All of the bytes are there, and it still is no file for anyone who asks.
    const all = await patch(path, 4, bytes.subarray(4, 100), { 'upload-complete': '?0' });
    assert.equal(all.status, 204);
    assert.equal(all.headers.get('upload-complete'), '?0');
    assert.equal((await service.call('GET', path)).headers.get('upload-complete'), '?0');
    assert.equal((await service.status(id)).state, 'uploading');
    await service.sweeper('/sweep');
    assert.ok(!(await service.names('unscanned')).includes(id));

    const handle = await isFile(
      await patch(path, 100, Buffer.alloc(0), { 'upload-complete': '?1' }),
      bytes.subarray(0, 100),
    );
    assert.equal(handle.id, id);
    assert.deepEqual([handle.contentType, handle.fileName, handle.size], ['image/png', 'a.png', 100]);
    assert.equal(handle.correlationId, 'message 1');
    const over = await service.call('HEAD', path);
    assert.equal(over.headers.get('upload-complete'), '?1');
    assert.equal(over.headers.get('upload-offset'), '100');
    assert.equal(over.headers.get('upload-length'), '100');
    // The answer was lost: the same request gets it again.
    const again = await patch(path, 100, Buffer.alloc(0), { 'upload-complete': '?1' });
    assert.equal(again.status, 201);
    assert.equal(((await again.json()) as Handle).id, id);
    await isProblem(
      await patch(path, 100, bytes.subarray(0, 1), { 'upload-complete': '?1' }),
      409,
      /\/upload-complete$/,
    );
  });

  it('need no length: its last part tells it, also in chunks', async () => {
    const path = await begun(10);
    assert.equal((await service.call('HEAD', path)).headers.get('upload-length'), null);
    const stream = new Blob([bytes.subarray(10)]).stream();
    const response = await service.call('PATCH', path, {
      body: stream,
      headers: { ...PART, 'upload-offset': '10', 'upload-complete': '?1' },
    });
    await isFile(response, bytes);
  });

  it('may be empty', async () => {
    const path = await begun(0);
    await isFile(await patch(path, 0, Buffer.alloc(0), { 'upload-complete': '?1' }), Buffer.alloc(0));
  });

  it('are told where they stand by a request with another offset', async () => {
    const path = await begun(10);
    for (const offset of [0, 9, 11]) {
      const response = await patch(path, offset, bytes.subarray(offset, 20), { 'upload-complete': '?0' });
      assert.equal(response.headers.get('upload-offset'), '10');
      assert.equal(response.headers.get('upload-complete'), '?0');
      const problem = await isProblem(
        response,
        409,
        /^https:\/\/iana\.org\/assignments\/http-problem-types#mismatching-upload-offset$/,
      );
      assert.deepEqual([problem['expected-offset'], problem['provided-offset']], [10, offset]);
    }
  });

  it('have one length, whichever way it is told', async () => {
    const before = await files();
    const type = /^https:\/\/iana\.org\/assignments\/http-problem-types#inconsistent-upload-length$/;
    for (const interop of [{}, INTEROP]) {
      const complete = { 'upload-complete': '?1', 'upload-length': '11', ...interop };
      await isProblem(await begin(bytes.subarray(0, 10), complete), 400, type);
    }
    const over = { 'upload-complete': '?0', 'upload-length': '9' };
    await isProblem(await begin(bytes.subarray(0, 10), over), 413, /\/upload-too-long$/);
    assert.deepEqual(await files(), before);

    const path = await begun(10, { 'upload-length': '20' });
    const ended = { 'upload-complete': '?1' };
    await isProblem(await patch(path, 10, bytes.subarray(10, 15), ended), 400, type);
    const other = { 'upload-complete': '?0', 'upload-length': '21' };
    await isProblem(await patch(path, 10, bytes.subarray(10, 15), other), 400, type);
    const long = await service.call('PATCH', path, {
      body: new Blob([bytes.subarray(10, 21)]).stream(),
      headers: { ...PART, 'upload-offset': '10', 'upload-complete': '?1' },
    });
    await isProblem(long, 413, /\/upload-too-long$/);
    assert.equal((await service.call('HEAD', path)).headers.get('upload-offset'), '10');
    await isFile(await patch(path, 10, bytes.subarray(10, 20), ended), bytes.subarray(0, 20));
  });

  it('have the digest that was announced at first, or leave nothing', async () => {
    const whole = { 'repr-digest': `sha-256=:${digest(bytes)}:` };
    const path = await begun(10, whole);
    await isFile(await patch(path, 10, bytes.subarray(10), { 'upload-complete': '?1' }), bytes);

    const wrong = await begun(10, whole);
    const refused = await patch(wrong, 10, bytes.subarray(10, 20), { 'upload-complete': '?1' });
    await isProblem(refused, 400, /\/digest-mismatch$/);
    assert.equal((await service.call('HEAD', wrong)).status, 410);
    const id = wrong.split('/').at(-1) ?? '';
    assert.ok(!(await service.names('unscanned')).some((name) => name.includes(id)));

    const strong = { 'upload-complete': '?0', 'repr-digest': `sha-512=:${digest(bytes, 'sha512')}:` };
    await isProblem(await begin(bytes.subarray(0, 10), strong), 400, /\/invalid-request$/);
  });

  it('are failed by the scanner where another instance completes them, and their digest is wrong', async () => {
    const path = await begun(10, { 'repr-digest': `sha-256=:${digest(bytes)}:` });
    const before = service.pid('upload');
    process.kill(before, 'SIGKILL');
    await eventually(async () => service.platform.status().ready && service.pid('upload') !== before);
    const completed = await patch(path, 10, bytes.subarray(10, 20), { 'upload-complete': '?1' });
    assert.ok(completed.ok, await completed.clone().text());
    const { id } = (await completed.json()) as Handle;
    const { state, reason } = await service.decided(id);
    assert.deepEqual([state, reason], ['failed', 'contentMismatch']);
    assert.notEqual((await service.call('GET', `/files/${id}`)).status, 200);
    // Nobody knows how many bytes it had.
    const head = await service.call('HEAD', path);
    assert.deepEqual([head.status, head.headers.get('upload-offset')], [404, null]);
  });

  it('tell that they are complete where the answer to that was lost', async () => {
    const path = await begun(10);
    // The request came there whole, and the client sees a broken line.
    relay.meddler = ({ method }, _, response) => {
      if (method !== 'PATCH') return false;
      response.destroy();
      return true;
    };
    const authorization = `Bearer ${await service.platform.token(OWNER)}`;
    const headers = { ...PART, authorization, 'upload-offset': '10', 'upload-complete': '?1' };
    relay.target = service.uploadUrl;
    await assert.rejects(
      fetch(`${relay.url}${path}`, { method: 'PATCH', headers, body: bytes.subarray(10) }),
    );
    const { status, headers: told } = await service.call('HEAD', path);
    assert.deepEqual(
      [status, told.get('upload-complete'), told.get('upload-offset'), told.get('upload-length')],
      [204, '?1', String(bytes.length), String(bytes.length)],
    );
    // The handle comes with a repeat that has nothing more to send.
    const none = Buffer.alloc(0);
    await isFile(await patch(path, bytes.length, none, { 'upload-complete': '?1' }), bytes);
    assert.equal((await service.call('HEAD', path)).headers.get('upload-complete'), '?1');
  });

  it('keep all bytes of a request with a Content-Digest, or none', async () => {
    const path = await begun(10);
    for (const [name, algorithm] of [
      ['sha-256', 'sha256'],
      ['sha-512', 'sha512'],
    ] as const) {
      const other = { 'upload-complete': '?0', 'content-digest': `${name}=:${digest(bytes, algorithm)}:` };
      await isProblem(await patch(path, 10, bytes.subarray(10, 20), other), 400, /\/digest-mismatch$/);
    }
    assert.equal((await service.call('HEAD', path)).headers.get('upload-offset'), '10');
    const right = `sha-512=:${digest(bytes.subarray(10), 'sha512')}:`;
    await isFile(
      await patch(path, 10, bytes.subarray(10), { 'upload-complete': '?1', 'content-digest': right }),
      bytes,
    );
  });

  it('refuse what does not fit, and store nothing', async () => {
    const before = await files();
    const incomplete = { 'upload-complete': '?0' };
    for (const complete of ['0', '?2', '?0, ?1']) {
      await isProblem(
        await begin(bytes.subarray(0, 4), { 'upload-complete': complete }),
        400,
        /\/invalid-request$/,
      );
    }
    const form = { ...incomplete, 'content-type': 'multipart/form-data; boundary=x' };
    await isProblem(await begin(bytes.subarray(0, 4), form), 400, /\/invalid-request$/);
    const keyed = { ...incomplete, 'idempotency-key': 'k' };
    await isProblem(await begin(bytes.subarray(0, 4), keyed), 400, /\/invalid-request$/);
    const large = { ...incomplete, 'upload-length': String(MAX_BYTES + 1) };
    await isProblem(await begin(bytes.subarray(0, 4), large), 413, /\/too-large$/);
    assert.deepEqual(await files(), before);

    const path = await begun(10);
    const tus = { 'upload-complete': '?0', 'content-type': 'application/offset+octet-stream' };
    await isProblem(await patch(path, 10, bytes.subarray(0, 4), tus), 415, /\/upload-content-type$/);
    await isProblem(await patch(path, 10, bytes.subarray(0, 4), {}), 400, /\/invalid-request$/);
    const coded = { ...incomplete, 'content-encoding': 'gzip' };
    await isProblem(await patch(path, 10, bytes.subarray(0, 4), coded), 415, /\/unsupported-encoding$/);
    const other = { as: 'org:974652269' };
    await isProblem(await service.call('DELETE', path, other), 404, /\/not-found$/);
    assert.equal((await service.call('HEAD', path, other)).status, 404);
    assert.equal((await service.call('PUT', path)).status, 405);
    const concat = { 'tus-resumable': '1.0.0', 'upload-length': '9', 'upload-concat': 'partial' };
    const partial =
      (await service.call('POST', '/uploads', { headers: concat })).headers.get('location') ?? '';
    const there = partial.replace('/uploads/', '/uploads/resumable/');
    assert.equal((await service.call('HEAD', there)).status, 404);
    await isProblem(
      await patch(there, 0, bytes.subarray(0, 9), { 'upload-complete': '?1' }),
      404,
      /\/not-found$/,
    );
  });

  it('can be cancelled', async () => {
    const path = await begun(10);
    assert.equal((await service.call('DELETE', path)).status, 204);
    assert.equal((await service.call('HEAD', path)).status, 410);
    assert.deepEqual(await service.names('unscanned', `parts/${path.split('/').at(-1)}`), []);
  });

  it('have limits that can be asked for before', async () => {
    for (const [path, at] of [
      ['/files', service.platform.uploadUrl],
      ['/files', service.url],
      ['/uploads/resumable/x', service.uploadUrl],
    ] as const) {
      const response = await service.call('OPTIONS', path, { as: '', at });
      assert.equal(response.status, 204);
      assert.match(response.headers.get('upload-limit') ?? '', /max-size=10000000/);
    }
  });

  it('are not begun for a whole body where nobody can be told of them', async () => {
    await service.resetOperations();
    await isFile(await begin(bytes, { 'upload-complete': '?1' }), bytes);
    const { operations } = await service.operations();
    assert.equal(operations['objects.compose'], undefined);
    await isFile(
      await begin(bytes, { 'upload-complete': '?1', 'upload-length': String(bytes.length) }),
      bytes,
    );
  });

  /** A raw upload, with the interim responses of it. */
  async function raw(headers: Record<string, string | number>, at = service.uploadUrl) {
    const authorization = `Bearer ${await service.platform.token(OWNER)}`;
    const interim: { status: number; headers: IncomingHttpHeaders }[] = [];
    const sending: ClientRequest = request(`${at}/files`, {
      method: 'POST',
      headers: { authorization, ...headers },
    });
    sending.on('information', ({ statusCode, headers }) => interim.push({ status: statusCode, headers }));
    return { sending, interim };
  }

  it('give up a silently dead PATCH, so that its successor sends only the rest', async () => {
    const large = randomBytes(MAX_BYTES);
    const there = 9_500_000;
    const path = await begun(0);
    const authorization = `Bearer ${await service.platform.token(OWNER)}`;
    const dead = request(`${service.platform.uploadUrl}${path}`, {
      method: 'PATCH',
      headers: {
        ...PART,
        authorization,
        'upload-offset': '0',
        'upload-complete': '?1',
        'content-length': large.length,
      },
    });
    dead.on('error', () => undefined);
    const answer = once(dead, 'response') as Promise<[IncomingMessage]>;
    await service.resetOperations();
    dead.write(large.subarray(0, there));
    try {
      // The function, and not only the system, has them: a chunk of them was sent on.
      await eventually(
        async () => ((await service.operations()).operations['resumable.start']?.calls ?? 0) > 0,
      );
      // Bytes on their way to the function may be missing, or keep the request alive until the next HEAD.
      const offset = await eventually(async () => {
        const { headers } = await service.call('HEAD', path);
        assert.equal(headers.get('upload-complete'), '?0');
        return Number(headers.get('upload-offset')) || undefined;
      });
      assert.ok(offset >= 8 * 2 ** 20 && offset <= there, `${offset}`);
      // Without a successor it would wait for more.
      const [{ statusCode, headers: told }] = await answer;
      assert.deepEqual([statusCode, told['upload-offset']], [409, String(offset)]);
      await isFile(await patch(path, offset, large.subarray(offset), { 'upload-complete': '?1' }), large);
    } finally {
      dead.destroy();
    }
  });

  it('answer 423 to a PATCH that is ended before a byte of it is stored', async () => {
    const path = await begun(10);
    const authorization = `Bearer ${await service.platform.token(OWNER)}`;
    const headers = { ...PART, authorization, 'upload-offset': '10', 'upload-complete': '?0' };
    // The front would wait for the first byte.
    const silent = request(`${service.platform.functionUrl('upload')}${path}`, {
      method: 'PATCH',
      headers: { ...headers, 'content-length': 1000 },
    });
    let answer: IncomingMessage | undefined;
    silent.on('response', (response) => {
      answer = response;
    });
    silent.flushHeaders();
    try {
      // It ends a silent request of the upload, once that waits for its body.
      await eventually(async () => (await service.call('HEAD', path)).ok && answer !== undefined);
      const { type } = JSON.parse(await text(answer ?? assert.fail())) as { type: string };
      assert.deepEqual([answer?.statusCode, type.split('/').at(-1)], [423, 'upload-locked']);
      assert.deepEqual([answer?.headers['retry-after'], answer?.headers['upload-offset']], ['1', '10']);
      await isFile(await patch(path, 10, bytes.subarray(10), { 'upload-complete': '?1' }), bytes);
    } finally {
      silent.destroy();
    }
  });

  for (const front of [true, false]) {
    it(`are told of in a 104 before their body is sent, and resume after a cut${front ? ', through the gateway' : ''}`, async () => {
      const at = front ? service.url : service.platform.uploadUrl;
      const { sending, interim } = await raw(
        { ...INTEROP, 'upload-complete': '?1', 'content-length': bytes.length, expect: '100-continue' },
        at,
      );
      sending.flushHeaders();
      await once(sending, 'continue');
      const [told] = interim.filter(({ status }) => status === 104);
      assert.ok(told);
      assert.equal(told.headers['upload-draft-interop-version'], '8');
      assert.match(String(told.headers['upload-limit']), /max-age=\d+/);
      const path = told.headers.location ?? '';
      assert.match(path, /^\/uploads\/resumable\//);
      sending.on('error', () => undefined);
      await new Promise((resolve) => sending.write(bytes.subarray(0, 60_000), resolve));
      sending.destroy();
      // The server counts what arrived once it sees the cut.
      const offset = await eventually(async () => {
        const head = await service.call('HEAD', path);
        assert.equal(head.headers.get('upload-complete'), '?0');
        assert.equal(head.headers.get('upload-length'), String(bytes.length));
        const there = Number(head.headers.get('upload-offset'));
        return there > 0 && there;
      });
      assert.ok(offset <= 60_000, `${offset}`);
      await isFile(await patch(path, offset, bytes.subarray(offset), { 'upload-complete': '?1' }), bytes);
    });
  }

  it('answer a whole body with the file, after a 104; no 104 to another interop version', async () => {
    for (const [version, expected] of [
      ['8', [104]],
      ['6', []],
      ['', []],
    ] as const) {
      const { sending, interim } = await raw({
        'upload-draft-interop-version': version,
        'upload-complete': '?1',
        'content-length': bytes.length,
      });
      sending.end(bytes);
      const [response] = (await once(sending, 'response')) as [IncomingMessage];
      response.resume();
      // The content is known: it may have its verdict by now.
      assert.ok([201, 202].includes(response.statusCode ?? 0), `${response.statusCode}`);
      assert.equal(response.headers['upload-complete'], '?1');
      assert.match(response.headers.location ?? '', /\/files\/[0-9a-v]{43}$/);
      assert.deepEqual(
        interim.map(({ status }) => status),
        expected,
        version,
      );
    }
  });

  it('are uploaded by tus-js-client as ietf-draft-05, of interop version 6', async () => {
    for (const uploadDataDuringCreation of [false, true]) {
      const authorization = `Bearer ${await service.platform.token(OWNER)}`;
      const upload = await new Promise<Upload>((resolve, reject) => {
        // Its types do not have the protocol yet.
        const options = { protocol: 'ietf-draft-05', chunkSize: 30_000, uploadDataDuringCreation };
        const sent: Upload = new Upload(bytes, {
          ...options,
          endpoint: `${service.uploadUrl}/files`,
          headers: { authorization },
          retryDelays: null,
          onError: reject,
          onSuccess: () => resolve(sent),
        });
        sent.start();
      });
      const id = upload.url?.split('/').at(-1) ?? '';
      assert.equal((await service.decided(id)).size, bytes.length);
      const download = await service.call('GET', `/files/${id}`);
      assert.ok(Buffer.from(await download.arrayBuffer()).equals(bytes));
    }
  });

  it('are refused with 415 at the first PATCH of tus-js-client as ietf-draft-03, which has no media type', async () => {
    const known = await files();
    const authorization = `Bearer ${await service.platform.token(OWNER)}`;
    const error = await new Promise<Error>((resolve, reject) => {
      // As above.
      const options = { protocol: 'ietf-draft-03', chunkSize: 30_000 };
      new Upload(bytes, {
        ...options,
        endpoint: `${service.uploadUrl}/files`,
        headers: { authorization },
        retryDelays: null,
        onError: resolve,
        onSuccess: () => reject(new Error('It was accepted')),
      }).start();
    });
    assert.match(error.message, /method: PATCH.*response code: 415.*upload-content-type/s);
    const [begun, ...more] = (await files()).filter((name) => !known.includes(name));
    assert.deepEqual(more, []);
    assert.equal((await service.status(begun?.split('/').at(-1) ?? '')).state, 'uploading');
  });

  const curl = spawnSync('curl', ['--version']).status === 0;
  (curl ? it : it.skip)('can be sent by curl', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'curl-'));
    try {
      await writeFile(join(folder, 'file'), bytes);
      const run = async (script: string) => {
        const env = { ...process.env, API: service.uploadUrl, TOKEN: await service.platform.token(OWNER) };
        return (await promisify(execFile)('sh', ['-ec', script], { cwd: folder, env })).stdout;
      };
      const stdout = await run(`
        AUTH="Authorization: Bearer $TOKEN"
        UPLOAD=$(head -c 40000 file | curl -sS -D - -o /dev/null -H "$AUTH" -H 'Upload-Complete: ?0' --data-binary @- $API/files |
          tr -d '\\r' | sed -n 's/^[Ll]ocation: *//p')
        OFFSET=$(curl -sSI -H "$AUTH" $API$UPLOAD | tr -d '\\r' | sed -n 's/^[Uu]pload-[Oo]ffset: *//p')
        tail -c +$((OFFSET + 1)) file | curl -sS -X PATCH -H "$AUTH" -H 'Upload-Complete: ?1' -H "Upload-Offset: $OFFSET" \\
          -H 'Content-Type: application/partial-upload' --data-binary @- $API$UPLOAD`);
      const { id } = JSON.parse(stdout) as Handle;
      assert.equal((await service.decided(id)).size, bytes.length);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
