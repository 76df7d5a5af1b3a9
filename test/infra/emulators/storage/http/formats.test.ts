import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { BUCKET, EmulatorFixture, objectPath } from '../emulator-fixture.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UPLOAD = `/upload/storage/v1/b/${BUCKET}/o`;

/** https://cloud.google.com/storage/docs/json_api/v1/objects#resource: int64 are strings, times RFC 3339. */
const FORMATS: Readonly<Record<string, RegExp>> = {
  kind: /^storage#object$/,
  id: /^contract\/empty\/\d{16}$/,
  selfLink: /^http:\/\/[^/]+\/storage\/v1\/b\/contract\/o\/empty$/,
  mediaLink: /^http:\/\/[^/]+\/download\/storage\/v1\/b\/contract\/o\/empty\?generation=\d{16}&alt=media$/,
  name: /^empty$/,
  bucket: /^contract$/,
  generation: /^\d{16}$/,
  metageneration: /^1$/,
  contentType: /^text\/plain$/,
  storageClass: /^STANDARD$/,
  size: /^0$/,
  md5Hash: /^1B2M2Y8AsgTpgAmY7PhCfg==$/,
  crc32c: /^AAAAAA==$/,
  etag: /^C[A-Za-z0-9+/]+=*$/,
  timeCreated: TIME,
  updated: TIME,
  timeStorageClassUpdated: TIME,
  timeFinalized: TIME,
};

describe('storage emulator: formats of Cloud Storage', () => {
  const fixture = new EmulatorFixture();

  it('gives an empty object every field as text, its size of 0 too', async () => {
    const headers = { 'content-type': 'text/plain' };
    const upload = await fixture.call('POST', `${UPLOAD}?uploadType=media&name=empty`, { headers });
    const resource = upload.ok();
    assert.deepEqual(Object.keys(resource).sort(), Object.keys(FORMATS).sort());
    for (const [field, format] of Object.entries(FORMATS))
      assert.match(String(resource[field]), format, field);
    for (const field of ['generation', 'metageneration', 'size'])
      assert.equal(typeof resource[field], 'string');
  });

  it('gives a composition its number of components, and no MD5', async () => {
    const json = { sourceObjects: [{ name: 'empty' }, { name: 'empty' }] };
    const resource = (await fixture.call('POST', `${objectPath('composed')}/compose`, { json })).ok();
    assert.equal(resource['componentCount'], 2);
    assert.equal(resource['md5Hash'], undefined);
    assert.equal(resource['crc32c'], 'AAAAAA==');
  });

  it('names every answer in X-GUploader-UploadID, and the session where one starts', async () => {
    const start = await fixture.call('POST', `${UPLOAD}?uploadType=resumable&name=x`, { json: {} });
    const session = new URL(start.headers.get('location') ?? '').searchParams.get('upload_id');
    assert.equal(start.headers.get('x-guploader-uploadid'), session);
    const ids = new Set<string | null>();
    for (const path of [
      objectPath('empty'),
      `${objectPath('empty')}?alt=media`,
      objectPath('gone'),
      '/nothing',
    ]) {
      ids.add((await fixture.call('GET', path)).headers.get('x-guploader-uploadid'));
    }
    assert.equal(ids.size, 4);
    assert.ok(!ids.has(null) && !ids.has(session));
  });

  it('refuses in the words of Google, with the place in the request', async () => {
    const taken = `${UPLOAD}?uploadType=media&name=empty&ifGenerationMatch=0`;
    const detail = async (method: string, path: string, init = {}) => {
      const reply = await fixture.call(method, path, init);
      const { error } = JSON.parse(reply.text);
      assert.equal(error.code, reply.status);
      assert.equal(error.message, error.errors[0].message);
      return [reply.status, ...Object.values(error.errors[0])];
    };
    const condition = 'At least one of the pre-conditions you specified did not hold.';
    assert.deepEqual(await detail('POST', taken, { body: 'x' }), [
      412,
      condition,
      'global',
      'conditionNotMet',
      'header',
      'If-Match',
    ]);
    assert.deepEqual(await detail('GET', objectPath('gone')), [
      404,
      `No such object: ${BUCKET}/gone`,
      'global',
      'notFound',
    ]);
    assert.deepEqual(await detail('GET', '/storage/v1/b/nowhere'), [
      404,
      'The specified bucket does not exist.',
      'global',
      'notFound',
    ]);
    assert.deepEqual(await detail('POST', '/storage/v1/b?project=p', { json: { name: BUCKET } }), [
      409,
      'Your previous request to create the named bucket succeeded and you already own it.',
      'global',
      'conflict',
    ]);
  });

  it('answers 411 to a request that says nothing of its length', async () => {
    const { hostname, port } = new URL(fixture.url);
    const socket = connect(Number(port), hostname);
    socket.end(`PATCH ${objectPath('empty')} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    assert.match(text, /^HTTP\/1\.1 411 /);
    assert.match(text, /"reason":"lengthRequired"/);
  });
});
