import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ChildSpec } from '../../infra/local/processes/child.ts';
import type { Handle } from '../../shared/files/handle.ts';
import { overHosts } from '../support/over-hosts.ts';
import { EICAR, eventually, OWNER, Service } from '../support/service.ts';

const MAX_BYTES = 10_000_000;
const POLICY = {
  MAX_UPLOAD_BYTES: String(MAX_BYTES),
  ALLOWED_MEDIA_TYPES: 'text/*, image/*, application/*',
  DENIED_MEDIA_TYPES: 'image/svg+xml,application/x-msdownload',
  SNIFF_MEDIA_TYPE: 'check',
};

function withPolicy(spec: ChildSpec): ChildSpec {
  return spec.name === 'upload' ? { ...spec, env: { ...spec.env, ...POLICY } } : spec;
}

function digestOf(algorithm: 'sha256' | 'sha512', bytes: Buffer): string {
  return `:${createHash(algorithm).update(bytes).digest('base64')}:`;
}

overHosts('uploads', (hosts) => {
  const service = new Service({ HOSTS: hosts }, { adapt: withPolicy });
  const text = Buffer.from('a text of some length\n');
  const large = randomBytes(9_000_000);

  const post = (body: Buffer<ArrayBuffer> | string, headers: Record<string, string> = {}) =>
    service.call('POST', '/files', { body, headers });

  /** The problem document; nothing was kept. */
  async function refused(
    answer: Promise<Response>,
    kept: readonly string[],
  ): Promise<Record<string, unknown>> {
    const response = await answer;
    assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/);
    assert.deepEqual(await service.names('permanent', 'files/'), kept);
    return (await response.json()) as Record<string, unknown>;
  }

  async function kept(): Promise<string[]> {
    return service.names('permanent', 'files/');
  }

  describe('with digests', () => {
    for (const [what, bytes] of [
      ['small', text],
      ['of more than a chunk', large],
    ] as const) {
      it(`that are right are taken: ${what}`, async () => {
        const response = await post(bytes, {
          'repr-digest': `sha-256=${digestOf('sha256', bytes)}, sha-512=${digestOf('sha512', bytes)}`,
          'content-digest': `md5=:AAAA:, sha-512=${digestOf('sha512', bytes)}`,
        });
        assert.equal(response.status, 202);
      });

      for (const [header, name, algorithm] of [
        ['repr-digest', 'sha-256', 'sha256'],
        ['content-digest', 'sha-512', 'sha512'],
      ] as const) {
        it(`of which ${name} in ${header} is wrong are refused, and nothing is kept: ${what}`, async () => {
          const before = await kept();
          const expected = digestOf(algorithm, Buffer.from('other'));
          const problem = await refused(post(bytes, { [header]: `${name}=${expected}` }), before);
          assert.deepEqual(
            [
              problem['type'],
              problem['status'],
              problem['algorithm'],
              problem['expected'],
              problem['actual'],
            ],
            [`${service.filesUrl}/problems/digest-mismatch`, 400, name, expected, digestOf(algorithm, bytes)],
          );
          await eventually(async () => (await service.names('unscanned')).length === 0);
        });
      }
    }

    it('drops the session of what it refuses', async () => {
      await service.resetOperations();
      await post(large, { 'repr-digest': `sha-256=${digestOf('sha256', text)}` });
      assert.equal((await service.operations()).operations['resumable.cancel']?.calls, 1);
    });
  });

  describe('with an idempotency key', () => {
    it('are one file, with one handle, decided or not', async () => {
      const headers = { 'idempotency-key': `"${randomUUID()}"`, 'content-type': 'text/plain' };
      const first = await post(text, headers);
      // 201 where the scanner was quicker than the answer.
      assert.deepEqual([first.ok, first.headers.get('idempotency-replayed')], [true, null]);
      const handle = (await first.json()) as Handle;
      const again = await post(text, headers);
      assert.equal(again.headers.get('idempotency-replayed'), 'true');
      assert.equal(again.headers.get('location'), first.headers.get('location'));
      await service.decided(handle.id);
      await service.resetOperations();
      const later = await post(text, { ...headers, prefer: 'wait=5' });
      assert.deepEqual([later.status, ((await later.json()) as Handle).id], [201, handle.id]);
      const { classes, operations } = await service.operations();
      assert.deepEqual([classes.A, operations['objects.get']?.calls], [0, 3]);
    });

    it('are told what became of the file where it is not handed out', async () => {
      const headers = { 'idempotency-key': randomUUID() };
      await post(EICAR, headers);
      await eventually(async () => {
        const again = await post(EICAR, headers);
        assert.equal(again.headers.get('idempotency-replayed'), 'true');
        return again.status === 410;
      });
    });

    it('are refused with 422 where they differ, and with 400 where the digest does', async () => {
      const key = { 'idempotency-key': randomUUID(), 'content-type': 'text/plain' };
      await post(text, key);
      const before = await kept();
      const others: [string, Record<string, string>][] = [
        ['Another text of that length', key],
        ['a text of Some length\n', key],
        [text.toString(), { ...key, 'content-type': 'text/html' }],
        [text.toString(), { ...key, 'content-disposition': 'attachment; filename=a.txt' }],
      ];
      for (const [body, headers] of others) {
        const problem = await refused(post(body, headers), before);
        assert.deepEqual(
          [problem['status'], problem['type']],
          [422, `${service.filesUrl}/problems/idempotency-key-reused`],
        );
      }
      const wrong = { ...key, 'repr-digest': `sha-256=${digestOf('sha256', large)}` };
      assert.equal((await refused(post(text, wrong), before))['status'], 400);
    });

    it('of which the first try was cut short are new', async () => {
      const key = randomUUID();
      const token = await service.platform.token(OWNER);
      const socket = connect(Number(new URL(service.uploadUrl).port), '127.0.0.1');
      await once(socket, 'connect');
      const head = `POST /files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\nidempotency-key: ${key}\r\n`;
      socket.write(`${head}content-length: 100\r\n\r\nonly this`);
      await service.upload('something else');
      socket.destroy();
      const response = await post(text, { 'idempotency-key': key });
      assert.deepEqual([response.ok, response.headers.get('idempotency-replayed')], [true, null]);
    });

    it('that a kill interrupts are one file after their repeat', async () => {
      const headers = { 'idempotency-key': randomUUID() };
      const before = await kept();
      const object = { operation: 'objects.insert', bucket: 'unscanned' } as const;
      await service.fault({ ...object, times: 1, effect: { kind: 'stall' } });
      await service.resetOperations();
      const first = post(text, headers).catch(() => undefined);
      await eventually(async () => (await kept()).length > before.length);
      await eventually(
        async () => ((await service.operations()).operations['objects.insert']?.calls ?? 0) > 2,
      );
      process.kill(service.pid('upload'), 'SIGKILL');
      await first;
      await service.clearFaults();
      await eventually(async () => service.platform.status().ready);
      const answer = await eventually(async () => {
        const response = await post(text, headers);
        return response.status < 300 && response;
      });
      const { id } = (await answer.json()) as Handle;
      assert.equal((await service.decided(id)).state, 'clean');
      const added = (await kept()).filter((name) => !before.includes(name));
      const states = await Promise.all(
        added.map(async (name) => (await service.bucket('permanent').stat(name))?.metadata['state']),
      );
      assert.equal(states.filter((state) => state !== 'expired').length, 1);
    });
  });

  describe('that are too large', () => {
    it('are refused before a byte is read where they say so', async () => {
      await service.resetOperations();
      const before = await kept();
      const problem = await refused(post(Buffer.alloc(MAX_BYTES + 1)), before);
      assert.deepEqual([problem['status'], problem['maxBytes']], [413, MAX_BYTES]);
      assert.equal((await service.operations()).operations['resumable.start'], undefined);
    });

    it('are refused as soon as they are where they do not', async () => {
      await service.resetOperations();
      const before = await kept();
      const token = await service.platform.token(OWNER);
      const socket = connect(Number(new URL(service.uploadUrl).port), '127.0.0.1');
      await once(socket, 'connect');
      socket.on('error', () => undefined);
      socket.write(
        `POST /files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ntransfer-encoding: chunked\r\n\r\n`,
      );
      // Never ended: a handler that waits for the end answers nothing.
      const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(2 ** 20), Buffer.from('\r\n')]);
      for (let sent = 0; sent <= MAX_BYTES; sent += 2 ** 20) socket.write(chunk);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      assert.match(answer.toString(), /^HTTP\/1\.1 413 /);
      socket.destroy();
      assert.deepEqual(await kept(), before);
      assert.equal((await service.operations()).operations['resumable.cancel']?.calls, 1);
    });

    it('are taken where they are exactly as large as they may be', async () => {
      assert.equal((await post(Buffer.alloc(MAX_BYTES))).status, 202);
    });
  });

  describe('of a type', () => {
    // Signature, IHDR, and an IDAT of as much as one likes.
    const head = '89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890089544049444154';
    const png = Buffer.concat([Buffer.from(head, 'hex'), randomBytes(9_000_000)]);
    for (const [what, type, bytes, outcome] of [
      ['that is denied', 'image/svg+xml', text, 'media-type-not-allowed'],
      ['that is not allowed', 'model/stl', text, 'media-type-not-allowed'],
      ['that the bytes belie', 'application/pdf', png, 'media-type-mismatch'],
      [
        'that hides a denied one',
        'application/octet-stream',
        Buffer.concat([Buffer.from('MZ'), png]),
        'media-type-not-allowed',
      ],
    ] as const) {
      it(`${what} are refused, and nothing is kept`, async () => {
        const before = await kept();
        const problem = await refused(post(bytes, { 'content-type': type }), before);
        assert.deepEqual(
          [problem['status'], problem['type']],
          [415, `${service.filesUrl}/problems/${outcome}`],
        );
      });
    }

    it('that the bytes bear out arrive as they are', async () => {
      const { id } = await service.upload(png, { 'content-type': 'image/png' });
      assert.equal((await service.decided(id)).sha256, createHash('sha256').update(png).digest('hex'));
    });
  });

  describe('that expect 100-continue', () => {
    const key = randomUUID();
    before(async () => void (await post(text, { 'idempotency-key': key })));

    for (const [status, what, head, as] of [
      [401, 'nobody', {}, ''],
      [403, 'one without the scope', {}, 'reader'],
      [400, 'a Content-Type that is none', { 'content-type': 'x' }, OWNER],
      [
        400,
        'a file name that is too long',
        { 'content-disposition': `a; filename=${'x'.repeat(600)}` },
        OWNER,
      ],
      [400, 'a digest that is none', { 'repr-digest': 'sha-256=x' }, OWNER],
      [400, 'a key that is none', { 'idempotency-key': '"' }, OWNER],
      [413, 'too many bytes', { 'content-length': '1000000000' }, OWNER],
      [415, 'a content encoding', { 'content-encoding': 'gzip' }, OWNER],
      [415, 'a type that is denied', { 'content-type': 'image/svg+xml' }, OWNER],
      [422, 'a key of another length', { 'idempotency-key': key, 'content-length': '5' }, OWNER],
    ] as const satisfies readonly (readonly [number, string, Record<string, string>, string])[]) {
      it(`are refused with ${status} for ${what}, and never told to go on`, async () => {
        const answer = await firstAnswer(head, as);
        assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
      });
    }

    it('are told to go on where they are welcome', async () => {
      assert.match(await firstAnswer({}, OWNER), /^HTTP\/1.1 100 Continue/);
    });

    async function firstAnswer(head: Record<string, string>, as: string): Promise<string> {
      const token = as && (await service.platform.token(OWNER, as === 'reader' ? ['read'] : ['write']));
      const lines = Object.entries({
        ...{ host: 'x', expect: '100-continue', 'content-length': '1000000' },
        ...(token && { authorization: `Bearer ${token}` }),
        ...head,
      }).map(([name, value]) => `${name}: ${value}\r\n`);
      const socket = connect(Number(new URL(service.uploadUrl).port), '127.0.0.1');
      await once(socket, 'connect');
      socket.write(`POST /files HTTP/1.1\r\n${lines.join('')}\r\n`);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      return answer.toString();
    }
  });

  it('may come in a form, as fetch sends it, with the digests of the file and of the form', async () => {
    const bytes = randomBytes(3_000_000);
    const form = new FormData();
    form.append('file', new Blob([bytes], { type: 'application/pdf' }), 'røntgen 日本.pdf');
    const sent = new Response(form);
    const body = Buffer.from(await sent.arrayBuffer());
    const digest = (of: Buffer) => `sha-256=:${createHash('sha256').update(of).digest('base64')}:`;
    const headers = {
      'content-type': sent.headers.get('content-type') ?? '',
      'repr-digest': digest(bytes),
      'content-digest': digest(body),
      'idempotency-key': '"a form"',
    };
    const handle = await service.upload(body, headers);
    assert.equal(handle.contentType, 'application/pdf');
    assert.equal(handle.fileName, 'røntgen 日本.pdf');
    assert.equal(handle.size, bytes.length);
    assert.equal((await service.decided(handle.id)).state, 'clean');
    const download = await service.call('GET', `/files/${handle.id}`);
    assert.ok(Buffer.from(await download.arrayBuffer()).equals(bytes));

    const again = await service.call('POST', '/files', { body, headers });
    assert.equal(((await again.json()) as { id: string }).id, handle.id);
    for (const name of ['repr-digest', 'content-digest'] as const) {
      const other = await service.call('POST', '/files', {
        body,
        headers: { 'content-type': headers['content-type'], [name]: digest(Buffer.from('other')) },
      });
      assert.match(((await other.json()) as { type: string }).type, /\/digest-mismatch$/, name);
    }
  });

  it('store nothing of a form with another part, none, another boundary or a missing end', async () => {
    const before = [...(await service.names('unscanned')), ...(await service.names('permanent', 'files/'))];
    const part = (text: string, name = 'filename="a.txt"') =>
      `--x\r\nContent-Disposition: form-data; name="file"; ${name}\r\n\r\n${text}\r\n`;
    // Longer than what is sent to Cloud Storage before a form is over.
    const long = 'x'.repeat(9 * 2 ** 20);
    for (const [why, body] of [
      ['a second file', `${part(long)}${part('two')}--x--`],
      ['a field before', `${part('a', 'a=b')}${part('two')}--x--`],
      ['a field behind', `${part('one')}${part('a', 'a=b')}--x--`],
      ['no part', '--x--'],
      ['no end', part(long)],
      ['another boundary', `${part('one')}--x--`.replaceAll('--x', '--y')],
      ['no form', 'abc'],
    ] as const) {
      const refused = await service.call('POST', '/files', {
        body,
        headers: { 'content-type': 'multipart/form-data; boundary=x' },
      });
      assert.equal(refused.status, 400, why);
      assert.match(((await refused.json()) as { type: string }).type, /\/form-invalid$/, why);
    }
    const after = [...(await service.names('unscanned')), ...(await service.names('permanent', 'files/'))];
    // Bytes of an earlier test may have gone meanwhile.
    assert.deepEqual(
      after.filter((name) => !before.includes(name)),
      [],
    );
  });

  it('are of a media type, not of a range or nonsense, in every way in', async () => {
    for (const type of ['*/*', 'text/*', 'text/plain; charset="\xff"', 'text/plain; a*=b']) {
      const posted = await service.call('POST', '/files', { body: 'x', headers: { 'content-type': type } });
      const filetype = `filetype ${Buffer.from(type).toString('base64')}`;
      const headers = { 'tus-resumable': '1.0.0', 'upload-length': '1', 'upload-metadata': filetype };
      const created = await service.call('POST', '/uploads', { headers });
      const order = JSON.stringify({ size: 1, contentType: type });
      const direct = await service.call('POST', '/uploads/direct', { body: order });
      for (const response of [posted, created, direct]) {
        assert.equal(response.status, 400, type);
        assert.match(((await response.json()) as { detail: string }).detail, /is not a media type/);
      }
    }
  });

  it('leave no file name and no key in the log, nor in the name of an object', async () => {
    const mark = randomUUID();
    const named = { 'content-disposition': `attachment; filename="${mark}.txt"`, 'idempotency-key': mark };
    assert.ok((await post('named', named)).ok);
    await post('other', named);
    await post('named', { ...named, 'repr-digest': `sha-256=${digestOf('sha256', text)}` });
    await post('named', { ...named, 'content-type': `${mark}`, traceparent: mark });
    await post('named', { ...named, 'content-encoding': mark });
    const { id } = await service.upload('the last');
    const log = await eventually(async () => {
      const lines = await readFile(join(service.platform.status().data, 'logs/upload.log'), 'utf8');
      return lines.includes(id) && lines;
    });
    assert.ok(!log.includes(mark));
    for (const bucket of ['permanent', 'unscanned'] as const) {
      for (const name of await service.names(bucket)) assert.ok(!name.includes(mark), name);
    }
  });
});
