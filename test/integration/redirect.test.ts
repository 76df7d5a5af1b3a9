import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { emailOf } from '../../infra/local/processes/identity.ts';
import { EICAR, OWNER, Service } from '../support/service.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const EMAIL = emailOf('files');
const ABOVE = 100_000;
const PAGE = 'https://app.example.no';

describe('a redirect of large files', () => {
  const key = {
    client_email: EMAIL,
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    type: 'service_account',
  };
  const variables = {
    REDIRECT_ABOVE_BYTES: String(ABOVE),
    SIGNED_URL_SECONDS: '60',
    SIGNING_KEY: JSON.stringify(key),
  };
  const service = new Service(
    { CORS_ORIGINS: PAGE },
    {
      adapt: (spec) => (spec.name === 'files' ? { ...spec, env: { ...spec.env, ...variables } } : spec),
    },
  );
  const bytes = randomBytes(ABOVE + 1);
  let path: string;
  before(async () => {
    const { id } = await service.upload(bytes, {
      'content-type': 'application/pdf',
      'content-disposition': `attachment; filename*=UTF-8''r%C3%B8ntgen%20(1)!.pdf`,
    });
    await service.decided(id);
    path = `/files/${id}`;
  });

  async function get(of = path, headers: Record<string, string> = {}, as = OWNER): Promise<Response> {
    const authorization = `Bearer ${await service.platform.token(as)}`;
    return fetch(service.url + of, { headers: { authorization, ...headers }, redirect: 'manual' });
  }

  it('leads to the bytes, with their type and name, and without a token', async () => {
    const response = await get();
    assert.equal(response.status, 307);
    assert.equal(response.headers.get('cache-control'), 'private, no-store');
    assert.equal(await response.text(), '');
    const location = response.headers.get('location') ?? '';
    assert.ok(location.startsWith(`${service.platform.storageUrl}/permanent/blobs/sha256/`));
    const followed = await fetch(location);
    assert.ok(Buffer.from(await followed.arrayBuffer()).equals(bytes));
    assert.equal(followed.headers.get('content-type'), 'application/pdf');
    assert.match(
      followed.headers.get('content-disposition') ?? '',
      /^attachment; .*filename\*=UTF-8''r%C3%B8ntgen/,
    );
    const authorization = `Bearer ${await service.platform.token(OWNER)}`;
    const whole = await fetch(service.url + path, { headers: { authorization } });
    assert.ok(
      Buffer.from(await whole.arrayBuffer()).equals(bytes),
      'what a client gets that follows by itself',
    );
    const part = await fetch(location, { headers: { range: 'bytes=5-9' } });
    assert.ok(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(5, 10)));
  });

  it('is signed by the key, for this generation alone', async () => {
    const url = new URL((await get()).headers.get('location') ?? '');
    const [query = '', signature = ''] = url.search.slice(1).split('&X-Goog-Signature=');
    const date = url.searchParams.get('X-Goog-Date') ?? '';
    const scope = `${date.slice(0, 8)}/auto/storage/goog4_request`;
    assert.equal(url.searchParams.get('X-Goog-Credential'), `${EMAIL}/${scope}`);
    assert.equal(url.searchParams.get('X-Goog-Expires'), '60');
    const blob = await service.bucket('permanent').stat(url.pathname.replace('/permanent/', ''));
    assert.equal(url.searchParams.get('generation'), blob?.generation);
    const canonical = `GET\n${url.pathname}\n${query}\nhost:127.0.0.1\n\nhost\nUNSIGNED-PAYLOAD`;
    const digest = createHash('sha256').update(canonical).digest('hex');
    const signed = Buffer.from(`GOOG4-RSA-SHA256\n${date}\n${scope}\n${digest}`);
    assert.ok(verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'hex')));
  });

  it('is not for a page of another origin, which could not follow it', async () => {
    const response = await get(path, { origin: PAGE });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('access-control-allow-origin'), PAGE);
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(bytes));
    assert.equal((await get(path, { origin: 'https://other.example.no' })).status, 307);
  });

  it('is not for HEAD, small files, or conditions that Cloud Storage would judge by its own tag', async () => {
    const head = await service.call('HEAD', path);
    assert.equal(head.status, 200);
    assert.ok(head.headers.has('repr-digest'));
    const etag = head.headers.get('etag') ?? '';
    assert.equal((await get(path, { 'if-none-match': etag })).status, 304);
    for (const headers of [
      { 'if-none-match': '"other"' },
      { 'if-match': etag },
      { 'if-modified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' },
      { 'if-unmodified-since': head.headers.get('last-modified') ?? '' },
    ] as Record<string, string>[]) {
      const response = await get(path, headers);
      assert.equal(response.status, 200, JSON.stringify(headers));
      assert.ok(Buffer.from(await response.arrayBuffer()).equals(bytes));
    }
    assert.equal((await get(path, { range: 'bytes=0-1', 'if-range': etag })).status, 206);
    const { id } = await service.upload(randomBytes(ABOVE));
    await service.decided(id);
    assert.equal((await get(`/files/${id}`)).status, 200);
  });

  it('is refused to whom the bytes are refused', async () => {
    assert.equal((await get(path, {}, 'org:111111111')).status, 404);
    assert.equal((await get(path, { 'if-match': '"other"' })).status, 412);
    assert.equal((await get(path, { range: `bytes=${ABOVE + 1}-` })).status, 416);
    const { id: malware } = await service.upload(EICAR);
    await service.decided(malware);
    assert.equal((await get(`/files/${malware}`)).status, 410);
    const { id } = await service.upload(randomBytes(ABOVE + 2));
    const { sha256 = '' } = await service.decided(id);
    const permanent = service.bucket('permanent');
    const blob = await permanent.stat(`blobs/sha256/${sha256}`);
    assert.ok(blob);
    const opened = (await get(`/files/${id}`)).headers.get('location') ?? '';
    await permanent.patch(blob.name, blob, { signature: 'Win.Late.Finding' });
    const refused = await get(`/files/${id}`);
    assert.deepEqual([refused.status, refused.headers.get('location')], [410, null]);
    // A URL that is out is good for its seconds: the price of a redirect.
    assert.equal((await fetch(opened, { method: 'HEAD' })).status, 200);
  });

  it('leads nowhere once its seconds are over', async () => {
    const location = (await get()).headers.get('location') ?? '';
    const date = new URL(location).searchParams.get('X-Goog-Date') ?? '';
    const late = location.replace(date, '20200101T000000Z');
    assert.equal((await fetch(late)).status, 400);
    assert.equal((await fetch(location.replace(/&X-Goog-Date=[^&]*/, ''))).status, 403);
    assert.equal((await fetch(location.replace(/generation=\d+/, 'generation=1'))).status, 404);
  });
});
