import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import { eventually, Service } from '../support/service.ts';
import { idOf, OFFSET_TYPE, sha256, TusRequests } from '../support/tus.ts';

/** Base64 of UTF-8. */
const b64 = (text: string) => Buffer.from(text).toString('base64');
const digest = (algorithm: string, bytes: Buffer) =>
  `${algorithm} ${createHash(algorithm).update(bytes).digest('base64')}`;

interface Expectation {
  /** The sentence of https://tus.io/protocols/resumable-upload that it holds us to, shortened. */
  readonly must: string;
  readonly send: (tus: TusRequests) => Promise<Response>;
  readonly status: number;
  /** A header's value, a pattern of it, or undefined where it must not be there. */
  readonly headers?: Readonly<Record<string, string | RegExp | undefined>>;
  readonly problem?: string;
}

const bytes = randomBytes(1000);
const LONG_METADATA = `k ${'A'.repeat(6000)}`;
const HOUR = /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/;

/** An upload of 1000 bytes with so many there. */
async function begun(tus: TusRequests, there = 0): Promise<string> {
  const path = await tus.create({ 'upload-length': '1000' });
  if (there > 0) assert.equal((await tus.patch(path, 0, bytes.subarray(0, there))).status, 204);
  return path;
}

const CORE: Expectation[] = [
  {
    must: 'OPTIONS: the answer MUST contain Tus-Version, and names extensions and checksum algorithms, without a token',
    send: (tus) => tus.send('OPTIONS', '/uploads', { as: '', headers: { 'tus-resumable': '' } }),
    status: 204,
    headers: {
      'tus-version': '1.0.0',
      'tus-resumable': '1.0.0',
      'tus-extension':
        'creation,creation-with-upload,creation-defer-length,termination,checksum,expiration,concatenation',
      'tus-checksum-algorithm': 'sha1,sha256,md5,crc32c',
      'tus-max-size': String(5 * 2 ** 40),
    },
  },
  {
    must: 'Tus-Resumable MUST be in every request: without it 412 with Tus-Version, and the request is not processed',
    send: (tus) => tus.send('POST', '/uploads', { headers: { 'tus-resumable': '', 'upload-length': '1' } }),
    status: 412,
    headers: { 'tus-version': '1.0.0', 'tus-resumable': '1.0.0' },
    problem: 'tus-version',
  },
  {
    must: 'a version that the server does not speak MUST be answered with 412',
    send: (tus) => tus.send('HEAD', '/uploads/x', { headers: { 'tus-resumable': '0.2.2' } }),
    status: 412,
    headers: { 'tus-version': '1.0.0' },
  },
  {
    must: 'HEAD MUST answer with Upload-Offset, even at 0, Upload-Length where known, and Cache-Control: no-store',
    send: async (tus) => tus.send('HEAD', await begun(tus)),
    status: 200,
    headers: { 'upload-offset': '0', 'upload-length': '1000', 'cache-control': /no-store/ },
  },
  {
    must: 'HEAD tells what is there',
    send: async (tus) => tus.send('HEAD', await begun(tus, 300)),
    status: 200,
    headers: { 'upload-offset': '300', 'upload-length': '1000' },
  },
  {
    must: 'HEAD of an upload that is not there: 404, and MUST NOT have an Upload-Offset',
    send: (tus) => tus.send('HEAD', '/uploads/nobody'),
    status: 404,
    headers: { 'upload-offset': undefined },
  },
  {
    must: 'PATCH that succeeds MUST be answered with 204 and the new Upload-Offset',
    send: async (tus) => tus.patch(await begun(tus), 0, bytes.subarray(0, 999)),
    status: 204,
    headers: { 'upload-offset': '999' },
  },
  {
    must: 'PATCH with another Content-Type: 415',
    send: async (tus) => tus.patch(await begun(tus), 0, bytes, { 'content-type': 'application/json' }),
    status: 415,
    problem: 'upload-content-type',
  },
  {
    must: 'a media type is compared without regard to case, and without parameters',
    send: async (tus) =>
      tus.patch(await begun(tus), 0, bytes.subarray(1), {
        'content-type': 'Application/Offset+Octet-Stream; x=y',
      }),
    status: 204,
  },
  {
    must: 'a slash at the end of the address changes nothing',
    send: async (tus) => tus.send('HEAD', `${await begun(tus, 10)}/`),
    status: 200,
    headers: { 'upload-offset': '10' },
  },
  {
    must: 'a slash at the end of the address of creations changes nothing',
    send: (tus) => tus.send('POST', '/uploads/', { headers: { 'upload-length': '5' } }),
    status: 201,
  },
  {
    must: 'PATCH at another offset MUST be answered with 409, and change nothing',
    send: async (tus) => tus.patch(await begun(tus, 10), 5, bytes.subarray(5)),
    status: 409,
    headers: { 'upload-offset': '10' },
    problem: 'upload-offset',
  },
  {
    must: 'PATCH without Upload-Offset, or with one that is no number: 400',
    send: async (tus) => tus.patch(await begun(tus), 0, bytes, { 'upload-offset': '-1' }),
    status: 400,
    problem: 'invalid-request',
  },
  {
    must: 'PATCH of an upload that is not there: 404',
    send: (tus) => tus.patch('/uploads/nobody', 0, bytes),
    status: 404,
  },
  {
    must: 'PATCH of more than Upload-Length: 413',
    send: async (tus) => tus.patch(await begun(tus, 10), 10, bytes),
    status: 413,
    problem: 'upload-too-long',
  },
  {
    must: 'PATCH of more than Upload-Length without saying so: 413',
    send: async (tus) => tus.patch(await begun(tus, 10), 10, new Blob([bytes]).stream()),
    status: 413,
    problem: 'upload-too-long',
  },
  {
    must: 'PATCH of a complete upload at its end, without a byte: 204, as for tusd and @tus/server',
    send: async (tus) =>
      tus.patch(await begun(tus, 1000), 1000, Buffer.alloc(0), { 'upload-length': '1000' }),
    status: 204,
    headers: {
      'upload-offset': '1000',
      'repr-digest': `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`,
    },
  },
  {
    must: 'PATCH of a complete upload with more than its length: 413',
    send: async (tus) => tus.patch(await begun(tus, 1000), 1000, bytes),
    status: 413,
    problem: 'upload-too-long',
  },
  {
    must: 'PATCH of a complete upload with more than its length without saying so: 413',
    send: async (tus) => tus.patch(await begun(tus, 1000), 1000, new Blob([bytes]).stream()),
    status: 413,
    problem: 'upload-too-long',
  },
  {
    must: 'PATCH of a complete upload with another length: 400',
    send: async (tus) =>
      tus.patch(await begun(tus, 1000), 1000, Buffer.alloc(0), { 'upload-length': '1001' }),
    status: 400,
    problem: 'invalid-request',
  },
  {
    must: 'PATCH of a complete upload at another offset: 409',
    send: async (tus) => tus.patch(await begun(tus, 1000), 900, bytes.subarray(900)),
    status: 409,
    problem: 'upload-complete',
  },
  {
    must: 'X-HTTP-Method-Override MUST be taken for the method of the request',
    send: async (tus) =>
      tus.send('POST', await begun(tus), {
        body: bytes.subarray(0, 7),
        headers: { ...OFFSET_TYPE, 'upload-offset': '0', 'x-http-method-override': 'PATCH' },
      }),
    status: 204,
    headers: { 'upload-offset': '7' },
  },
  {
    must: 'a method that an upload does not have: 405',
    send: async (tus) => tus.send('PUT', await begun(tus)),
    status: 405,
    headers: { allow: 'OPTIONS, HEAD, PATCH, DELETE' },
  },
  {
    must: 'PATCH of no upload: 405',
    send: (tus) => tus.patch('/uploads/', 0, bytes.subarray(0, 7)),
    status: 405,
    problem: 'method-not-allowed',
    headers: { allow: 'OPTIONS, POST' },
  },
];

const EXTENSIONS: Expectation[] = [
  {
    must: 'creation: 201 with Location, whether the length is known or 0',
    send: (tus) => tus.send('POST', '/uploads', { headers: { 'upload-length': '5' } }),
    status: 201,
    headers: { location: /^\/uploads\/[0-9a-v]{43}$/, 'upload-offset': '0', 'upload-expires': HOUR },
  },
  {
    must: 'creation: Upload-Length MUST be a non-negative integer',
    send: (tus) => tus.send('POST', '/uploads', { headers: { 'upload-length': '-5' } }),
    status: 400,
    problem: 'invalid-request',
  },
  {
    must: 'creation: more than Tus-Max-Size MUST be answered with 413',
    send: (tus) => tus.send('POST', '/uploads', { headers: { 'upload-length': String(5 * 2 ** 40 + 1) } }),
    status: 413,
    problem: 'too-large',
  },
  {
    must: 'creation: neither Upload-Length nor Upload-Defer-Length: 400',
    send: (tus) => tus.send('POST', '/uploads'),
    status: 400,
  },
  {
    must: 'creation-defer-length: Upload-Defer-Length MUST be 1, else 400',
    send: (tus) => tus.send('POST', '/uploads', { headers: { 'upload-defer-length': '2' } }),
    status: 400,
  },
  {
    must: 'creation-defer-length: HEAD MUST answer with Upload-Defer-Length: 1 until the length is known',
    send: async (tus) => tus.send('HEAD', await tus.create({ 'upload-defer-length': '1' })),
    status: 200,
    headers: { 'upload-defer-length': '1', 'upload-length': undefined },
  },
  {
    must: 'creation-defer-length: the length is said with a PATCH, and stays',
    send: async (tus) => {
      const path = await tus.create({ 'upload-defer-length': '1' });
      assert.equal((await tus.patch(path, 0, bytes, { 'upload-length': '2000' })).status, 204);
      return tus.send('HEAD', path);
    },
    status: 200,
    headers: { 'upload-defer-length': undefined, 'upload-length': '2000', 'upload-offset': '1000' },
  },
  {
    must: 'creation-defer-length: once set, the length MUST NOT be changed',
    send: async (tus) => tus.patch(await begun(tus), 0, bytes, { 'upload-length': '1001' }),
    status: 400,
  },
  {
    must: 'creation: a key of Upload-Metadata MUST be unique',
    send: (tus) =>
      tus.send('POST', '/uploads', { headers: { 'upload-length': '5', 'upload-metadata': 'a YQ==,a YQ==' } }),
    status: 400,
  },
  {
    must: 'creation: the filetype of Upload-Metadata is held to what POST /files holds Content-Type to',
    send: (tus) =>
      tus.send('POST', '/uploads', {
        headers: { 'upload-length': '5', 'upload-metadata': `filetype ${b64('no type')}` },
      }),
    status: 400,
  },
  {
    must: 'creation: HEAD MUST answer with Upload-Metadata as the client sent it',
    send: async (tus) =>
      tus.send('HEAD', await tus.create({ 'upload-length': '5', 'upload-metadata': 'k,filename w6Y=' })),
    status: 200,
    headers: { 'upload-metadata': 'k,filename w6Y=' },
  },
  {
    must: 'creation: Upload-Metadata with a value that is not UTF-8 is kept',
    send: async (tus) =>
      tus.send('HEAD', await tus.create({ 'upload-length': '5', 'upload-metadata': 'filename 5vjl,k //4=' })),
    status: 200,
    headers: { 'upload-metadata': 'filename 5vjl,k //4=' },
  },
  {
    must: 'creation: Upload-Metadata of several KiB is kept',
    send: async (tus) =>
      tus.send('HEAD', await tus.create({ 'upload-length': '5', 'upload-metadata': LONG_METADATA })),
    status: 200,
    headers: { 'upload-metadata': LONG_METADATA },
  },
  {
    must: 'creation: Upload-Metadata that leaves no room for the record is refused',
    send: (tus) =>
      tus.send('POST', '/uploads', {
        headers: { 'upload-length': '5', 'upload-metadata': `k ${'A'.repeat(7000)}` },
      }),
    status: 400,
    problem: 'invalid-request',
  },
  {
    must: 'X-HTTP-Method-Override of another method: 405',
    send: (tus) =>
      tus.send('POST', '/uploads', { headers: { 'upload-length': '5', 'x-http-method-override': 'PATCH' } }),
    status: 405,
    headers: { allow: 'OPTIONS, POST' },
    problem: 'method-not-allowed',
  },
  {
    must: 'creation-with-upload: the answer MUST have Upload-Offset',
    send: (tus) =>
      tus.send('POST', '/uploads', { body: bytes, headers: { ...OFFSET_TYPE, 'upload-length': '2000' } }),
    status: 201,
    headers: { 'upload-offset': '1000' },
  },
  {
    must: 'creation-with-upload: a body MUST be application/offset+octet-stream',
    send: (tus) =>
      tus.send('POST', '/uploads', {
        body: bytes,
        headers: { 'content-type': 'text/plain', 'upload-length': '2000' },
      }),
    status: 415,
  },
  {
    must: 'expiration: Upload-Expires MUST be in the answer to a PATCH, as a date of HTTP',
    send: async (tus) => tus.patch(await begun(tus), 0, bytes.subarray(1)),
    status: 204,
    headers: { 'upload-expires': HOUR },
  },
  ...(['sha1', 'sha256', 'md5'] as const).map((algorithm) => ({
    must: `checksum: ${algorithm} that holds`,
    send: async (tus: TusRequests) =>
      tus.patch(await begun(tus), 0, bytes.subarray(1), {
        'upload-checksum': digest(algorithm, bytes.subarray(1)),
      }),
    status: 204,
    headers: { 'upload-offset': '999' },
  })),
  {
    must: 'checksum: crc32c that holds, big-endian',
    send: async (tus) => {
      const crc = Buffer.alloc(4);
      crc.writeUInt32BE(crc32c(bytes));
      return tus.patch(await begun(tus), 0, bytes, { 'upload-checksum': `crc32c ${crc.toString('base64')}` });
    },
    status: 204,
  },
  {
    must: 'checksum: an algorithm that is not supported MUST be answered with 400',
    send: async (tus) => tus.patch(await begun(tus), 0, bytes, { 'upload-checksum': 'sha3 YQ==' }),
    status: 400,
    problem: 'invalid-request',
  },
  {
    must: 'checksum: a mismatch MUST be answered with 460',
    send: async (tus) =>
      tus.patch(await begun(tus), 0, bytes, { 'upload-checksum': digest('sha1', Buffer.from('x')) }),
    status: 460,
    problem: 'upload-checksum',
  },
  {
    must: 'checksum: after a mismatch the chunk MUST be discarded',
    send: async (tus) => {
      const path = await begun(tus, 100);
      const wrong = { 'upload-checksum': digest('sha1', Buffer.from('x')) };
      await (await tus.patch(path, 100, bytes.subarray(100), wrong)).text();
      return tus.send('HEAD', path);
    },
    status: 200,
    headers: { 'upload-offset': '100' },
  },
  {
    must: 'termination: DELETE is answered with 204',
    send: async (tus) => tus.send('DELETE', await begun(tus, 100)),
    status: 204,
  },
  {
    must: 'termination: afterwards 404 or 410',
    send: async (tus) => {
      const path = await begun(tus, 100);
      await tus.send('DELETE', path);
      return tus.send('HEAD', path);
    },
    status: 410,
    headers: { 'upload-offset': undefined },
  },
  {
    must: 'termination: DELETE of what is complete MUST be answered with 204, and takes the file back',
    send: async (tus) => {
      const path = await begun(tus, 1000);
      assert.equal((await tus.send('DELETE', path)).status, 204);
      return tus.send('DELETE', path);
    },
    status: 410,
    problem: 'file-deleted',
  },
];

/** A partial upload of these bytes. */
async function partial(
  tus: TusRequests,
  content: Buffer<ArrayBuffer>,
  length = content.length,
): Promise<string> {
  return tus.create({ 'upload-concat': 'partial', 'upload-length': String(length) }, content);
}
const final = (...paths: string[]) => ({ headers: { 'upload-concat': `final;${paths.join(' ')}` } });

const CONCATENATION: Expectation[] = [
  {
    must: 'concatenation: Upload-Concat: partial is answered with 201 and Location',
    send: (tus) =>
      tus.send('POST', '/uploads', { headers: { 'upload-concat': 'partial', 'upload-length': '5' } }),
    status: 201,
    headers: { location: /^\/uploads\/[0-9a-v]{43}$/, 'upload-offset': '0', 'upload-expires': HOUR },
  },
  {
    must: 'concatenation: HEAD of a partial upload MUST answer with Upload-Concat: partial',
    send: async (tus) => tus.send('HEAD', await partial(tus, bytes, 2000)),
    status: 200,
    headers: { 'upload-concat': 'partial', 'upload-offset': '1000', 'upload-length': '2000' },
  },
  {
    must: 'concatenation: a partial upload is no file',
    send: async (tus) => tus.send('GET', `/files/${idOf(await partial(tus, bytes))}`),
    status: 404,
    headers: { 'tus-resumable': undefined },
  },
  {
    must: 'concatenation: the final upload is the file, whose HEAD MUST have its Upload-Length, -Offset and -Concat',
    send: async (tus) => {
      const paths = [await partial(tus, bytes.subarray(0, 400)), await partial(tus, bytes.subarray(400))];
      const made = await tus.send('POST', '/uploads', final(...paths));
      assert.equal(made.status, 201);
      return tus.send('HEAD', made.headers.get('location') ?? '');
    },
    status: 200,
    headers: {
      'upload-length': '1000',
      'upload-offset': '1000',
      'upload-concat': /^final;\/uploads\/\w+ \//,
    },
  },
  {
    must: 'concatenation: PATCH of a final upload MUST be answered with 403',
    send: async (tus) => {
      const made = await tus.send('POST', '/uploads', final(await partial(tus, bytes)));
      return tus.patch(made.headers.get('location') ?? '', 1000, bytes);
    },
    status: 403,
    problem: 'upload-final',
  },
  {
    must: 'concatenation: the client MUST NOT include Upload-Length in a final upload',
    send: async (tus) => {
      const { headers } = final(await partial(tus, bytes));
      return tus.send('POST', '/uploads', { headers: { ...headers, 'upload-length': '1000' } });
    },
    status: 400,
    problem: 'invalid-request',
  },
  {
    must: 'concatenation: a partial upload that is not complete is refused',
    send: async (tus) => tus.send('POST', '/uploads', final(await partial(tus, bytes, 2000))),
    status: 409,
    problem: 'partial-incomplete',
  },
  {
    must: 'concatenation: a partial upload that is not there is refused',
    send: (tus) => tus.send('POST', '/uploads', final('/uploads/nobody')),
    status: 404,
    problem: 'not-found',
  },
];

describe('tus 1.0.0', () => {
  const service = new Service();
  // Some requests complete the same upload at once.
  service.contends();
  const tus = new TusRequests(service);

  for (const { must, send, status, headers = {}, problem } of [...CORE, ...EXTENSIONS, ...CONCATENATION]) {
    it(must, async () => {
      const response = await send(tus);
      assert.equal(response.status, status);
      if (!('tus-resumable' in headers)) assert.equal(response.headers.get('tus-resumable'), '1.0.0');
      for (const [name, expected] of Object.entries(headers)) {
        const value = response.headers.get(name) ?? undefined;
        if (expected instanceof RegExp) assert.match(value ?? '', expected);
        else assert.equal(value, expected, name);
      }
      const text = await response.text();
      if (problem) assert.equal(JSON.parse(text).type, `${service.filesUrl}/problems/${problem}`);
    });
  }

  it('answers with the handle, says how far the file is, and hands it out with its name and type', async () => {
    const metadata = `filename ${b64('røntgen.pdf')},k,filetype ${b64('application/pdf')}`;
    const response = await tus.send('POST', '/uploads', {
      headers: { 'upload-length': '1000', 'upload-metadata': metadata },
    });
    const handle = (await response.json()) as {
      id: string;
      createdAt: string;
      upload: { expiresAt: string };
    };
    const self = `${service.url}/files/${handle.id}`;
    assert.deepEqual(handle, {
      id: handle.id,
      state: 'uploading',
      owner: 'org:889640782',
      viewerCount: 0,
      contentType: 'application/pdf',
      fileName: 'røntgen.pdf',
      createdAt: handle.createdAt,
      upload: { offset: 0, length: 1000, expiresAt: handle.upload.expiresAt },
      links: { self, status: `${self}/status` },
    });
    const path = `/uploads/${handle.id}`;
    await tus.patch(path, 0, bytes.subarray(0, 600));
    const half = await service.status(handle.id);
    // How far it is, the upload function knows.
    assert.deepEqual([half.state, half.upload?.offset, half.upload?.length], ['uploading', undefined, 1000]);
    assert.equal(await tus.offset(path), 600);
    const early = await service.call('GET', `/files/${handle.id}`);
    assert.deepEqual([early.status, early.headers.get('retry-after')], [409, '1']);
    await tus.patch(path, 600, bytes.subarray(600));
    const decided = await service.decided(handle.id);
    assert.deepEqual([decided.state, decided.sha256], ['clean', sha256(bytes)]);
    const download = await service.call('GET', `/files/${handle.id}`);
    assert.equal(sha256(Buffer.from(await download.arrayBuffer())), sha256(bytes));
    assert.equal(download.headers.get('content-type'), 'application/pdf');
    const head = await tus.send('HEAD', path);
    assert.deepEqual(
      ['upload-offset', 'upload-length', 'upload-metadata'].map((name) => head.headers.get(name)),
      ['1000', '1000', metadata],
    );
  });

  it('scans content that it knows no second time, whatever pieces it came in', async () => {
    const content = randomBytes(300_000);
    await service.decided((await service.upload(content)).id);
    await service.resetOperations();
    const path = await tus.create({ 'upload-length': '300000' }, content.subarray(0, 7));
    await tus.patch(path, 7, content.subarray(7, 299_999));
    await tus.patch(path, 299_999, content.subarray(299_999));
    const { state, sha256: digested } = await service.decided(idOf(path));
    assert.deepEqual([state, digested], ['clean', sha256(content)]);
    assert.equal((await service.operations()).operations['objects.getMedia'], undefined);
  });

  it('looks for no part where the request before came to the same instance', async () => {
    const path = await tus.create({ 'upload-length': '1000' }, bytes.subarray(0, 10));
    // No scan of an earlier file asks for anything any more.
    await eventually(async () =>
      (await service.names('unscanned')).every((name) => name.startsWith('parts/')),
    );
    await service.resetOperations();
    assert.equal((await tus.patch(path, 10, bytes.subarray(10, 20))).status, 204);
    assert.equal((await tus.patch(path, 20, bytes.subarray(20, 30))).status, 204);
    assert.equal((await service.operations()).operations['objects.list'], undefined);
    // Where it stands otherwise than the request says, the parts have the word.
    assert.equal((await tus.patch(path, 10, bytes.subarray(10))).headers.get('upload-offset'), '30');
    assert.ok((await service.operations()).operations['objects.list']?.calls);
    assert.equal((await tus.patch(path, 30, bytes.subarray(30))).status, 204);
    assert.equal((await service.decided(idOf(path))).sha256, sha256(bytes));
  });

  it('goes on where it was decided meanwhile who may see it', async () => {
    const path = await begun(tus, 10);
    const viewer = `/files/${idOf(path)}/viewers/org:999999999`;
    assert.equal((await service.call('PUT', viewer)).status, 204);
    assert.equal((await tus.patch(path, 10, bytes.subarray(10))).status, 204);
    assert.equal((await service.decided(idOf(path))).sha256, sha256(bytes));
    assert.equal((await service.call('GET', `/files/${idOf(path)}`, { as: 'org:999999999' })).status, 200);
  });

  it('refuses another length than an earlier request said, and continues with the same', async () => {
    const path = await tus.create({ 'upload-defer-length': '1' }, bytes.subarray(0, 10));
    const rest = (length: string) => tus.patch(path, 10, bytes.subarray(10), { 'upload-length': length });
    const part = () => tus.patch(path, 10, Buffer.alloc(0), { 'upload-length': '1000' });
    assert.deepEqual([(await part()).status, (await part()).status], [204, 204]);
    assert.equal((await rest('2000')).status, 400);
    assert.equal(await tus.offset(path), 10);
    assert.equal((await rest('1000')).status, 204);
    assert.equal((await service.decided(idOf(path))).sha256, sha256(bytes));
  });

  it('keeps a complete upload whose file is in use, and deletes it by DELETE once it is not', async () => {
    const path = await begun(tus, 1000);
    const id = idOf(path);
    await service.decided(id);
    const reference = `/files/${id}/references/${encodeURIComponent('https://example.org/fhir/Media/1')}`;
    assert.equal((await service.call('PUT', reference)).status, 204);
    const refused = await tus.send('DELETE', path);
    assert.equal(refused.status, 409);
    const { type, references } = (await refused.json()) as { type: string; references: number };
    assert.deepEqual([type, references], [`${service.filesUrl}/problems/file-referenced`, 1]);
    assert.equal((await service.call('GET', `/files/${id}`)).status, 200);
    assert.equal((await service.call('DELETE', reference)).status, 204);
    assert.equal((await tus.send('DELETE', path)).status, 204);
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
  });

  it('is gone where its owner took the file back meanwhile', async () => {
    const path = await begun(tus, 10);
    assert.equal((await service.call('DELETE', `/files/${idOf(path)}`)).status, 204);
    const refused = await tus.patch(path, 10, bytes.subarray(10));
    assert.equal(refused.status, 410);
    assert.match(await refused.text(), /\/problems\/file-deleted/);
    assert.equal((await service.names('unscanned', `parts/${idOf(path)}/0000000000010`)).length, 0);
  });

  it('takes files without a byte', async () => {
    const path = await tus.create({ 'upload-length': '0' });
    assert.equal(await tus.offset(path), 0);
    const { state, size } = await service.decided(idOf(path));
    assert.deepEqual([state, size], ['clean', 0]);
    const deferred = await tus.create({ 'upload-defer-length': '1' });
    assert.equal((await tus.patch(deferred, 0, Buffer.alloc(0), { 'upload-length': '0' })).status, 204);
    assert.equal((await service.decided(idOf(deferred))).state, 'clean');
  });

  it('takes a length that is declared with the last request, which may be empty', async () => {
    const path = await tus.create({ 'upload-defer-length': '1' }, bytes);
    assert.equal((await tus.patch(path, 1000, Buffer.alloc(0), { 'upload-length': '1000' })).status, 204);
    assert.equal((await service.decided(idOf(path))).sha256, sha256(bytes));
  });

  it('shows an upload to its owner alone, and takes no byte from others', async () => {
    const path = await begun(tus, 10);
    const other = { as: 'org:999999999' };
    for (const method of ['HEAD', 'PATCH', 'DELETE']) {
      const headers = method === 'PATCH' ? { ...OFFSET_TYPE, 'upload-offset': '10' } : {};
      assert.equal((await tus.send(method, path, { ...other, headers })).status, 404, method);
      const reader = { scopes: ['read' as const], headers };
      assert.equal((await tus.send(method, path, reader)).status, 403, method);
      assert.equal((await tus.send(method, path, { as: '', headers })).status, 401, method);
    }
    assert.equal(await tus.offset(path), 10);
  });

  it('lets one of parallel requests win, and tells the others', async () => {
    const path = await tus.create({ 'upload-length': '2000' });
    const contents = Array.from({ length: 8 }, () => randomBytes(2000));
    const answers = await Promise.all(contents.map((content) => tus.patch(path, 0, content)));
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [204, ...Array.from({ length: 7 }, () => 409)]);
    const winner = contents[answers.findIndex(({ status }) => status === 204)];
    assert.ok(winner);
    assert.equal((await service.decided(idOf(path))).sha256, sha256(winner));
    await eventually(async () => (await service.names('unscanned', `parts/${idOf(path)}`)).length === 0);
  });

  it('makes one file of partial uploads, which alone is listed, scanned and announced', async () => {
    const content = randomBytes(3_000_000);
    const pieces = [
      content.subarray(0, 1_000_000),
      content.subarray(1_000_000, 1_000_001),
      content.subarray(1_000_001),
    ];
    const paths = await Promise.all(pieces.map((piece) => partial(tus, piece)));
    const metadata = `filename ${b64('røntgen.pdf')},filetype ${b64('text/plain')}`;
    const made = await tus.send('POST', '/uploads', {
      headers: { ...final(...paths).headers, 'upload-metadata': metadata },
    });
    const { id, fileName } = (await made.json()) as { id: string; fileName: string };
    assert.deepEqual([made.headers.get('location'), fileName], [`/uploads/${id}`, 'røntgen.pdf']);
    const decided = await service.decided(id);
    assert.deepEqual([decided.state, decided.sha256, decided.size], ['clean', sha256(content), 3_000_000]);
    const { files } = (await (await service.call('GET', '/files')).json()) as { files: { id: string }[] };
    const listed = files.map((file) => file.id).filter((known) => [id, ...paths.map(idOf)].includes(known));
    assert.deepEqual(listed, [id]);
    await eventually(async () => (await service.events()).some(({ data }) => data.fileId === id));
    const events = (await service.events()).map(({ data }) => data.fileId);
    assert.ok(paths.every((path) => !events.includes(idOf(path))));
    await eventually(async () =>
      (await service.names('unscanned')).every(
        (name) => ![id, ...paths.map(idOf)].some((known) => name.includes(known)),
      ),
    );
    // The answer was lost: the same file again, also once it was scanned.
    const again = await tus.send('POST', '/uploads', final(...paths));
    assert.deepEqual([again.status, again.headers.get('location')], [201, `/uploads/${id}`]);
  });

  it('says at once what the scanner will not be able to judge', async () => {
    const length = String(3 * 2 ** 40);
    const response = await tus.send('POST', '/uploads', { headers: { 'upload-length': length } });
    const { expected } = (await response.json()) as { expected: unknown };
    assert.deepEqual(expected, { state: 'unscannable', reason: 'tooLarge' });
  });
});
