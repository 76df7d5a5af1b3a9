import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { compactVerify, createLocalJWKSet } from 'jose';
import { connectVerdicts, verdictVariables } from '../../../functions/files/verdicts/connect.ts';
import { verdictKeyOf } from '../../../infra/local/keys/verdict-key.ts';
import { readConfig } from '../../../shared/runtime/config.ts';
import { preAuthEncoding, toEnvelope, toJws } from '../../../shared/signing/envelope.ts';
import { FileKey } from '../../../shared/signing/file-key.ts';
import { StatementSigner } from '../../../shared/signing/signer.ts';

const TYPE = 'application/vnd.in-toto+json';
const PAYLOAD = Buffer.from('{"predicate":{"verdict":"clean"}}');

describe('the signature of a statement', () => {
  let folder = '';
  let setting = '';
  let signer: StatementSigner;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fileshare-verdict-'));
    setting = verdictKeyOf(folder);
    signer = new StatementSigner(new FileKey(setting.slice('file:'.length)));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const pem = async () =>
    createPublicKey({ key: { ...(await signer.keySet()).keys[0] }, format: 'jwk' }).export({
      type: 'spki',
      format: 'pem',
    }) as string;

  it('is over the bytes of the test vector of DSSE, which its published signature fits', () => {
    const bytes = preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world'));
    assert.equal(bytes.toString(), 'DSSEv1 29 http://example.com/HelloWorld 11 hello world');
    // https://github.com/secure-systems-lab/dsse/blob/master/protocol.md#test-vectors
    const coordinate = (decimal: bigint) =>
      Buffer.from(decimal.toString(16).padStart(64, '0'), 'hex').toString('base64url');
    const jwk = {
      kty: 'EC',
      crv: 'P-256',
      x: coordinate(46950820868899156662930047687818585632848591499744589407958293238635476079160n),
      y: coordinate(5640078356564379163099075877009565129882514886557779369047442380624545832820n),
    };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const published =
      'A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==';
    const signature = Buffer.from(published, 'base64');
    assert.ok(verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature));
  });

  it('counts bytes, not characters', () => {
    assert.equal(preAuthEncoding('é', Buffer.from('å')).toString(), 'DSSEv1 2 é 2 å');
  });

  it('is verified by sigstore, which refuses a payload with another byte, and another key', async () => {
    const envelope = await toEnvelope(signer, TYPE, PAYLOAD);
    const check = async (payload: Buffer, publicKey: string) => {
      const bundle = bundleFromJSON({
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        verificationMaterial: {
          publicKey: { hint: 'key' },
          tlogEntries: [],
          timestampVerificationData: undefined,
        },
        dsseEnvelope: { ...envelope, payload: payload.toString('base64') },
      });
      const root = {
        mediaType: '',
        tlogs: [],
        certificateAuthorities: [],
        ctlogs: [],
        timestampAuthorities: [],
      };
      const material = toTrustMaterial(root, () => ({
        publicKey: createPublicKey(publicKey),
        validFor: () => true,
      }));
      const verifier = new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
      return verifier.verify(toSignedEntity(bundle));
    };
    assert.ok(await check(PAYLOAD, await pem()));
    await assert.rejects(check(Buffer.from('{}'), await pem()), /signature verification failed/);
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const other = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    await assert.rejects(check(PAYLOAD, other), /signature verification failed/);
  });

  it('is verified by openssl', async () => {
    const { signatures } = await toEnvelope(signer, TYPE, PAYLOAD);
    await writeFile(join(folder, 'public.pem'), await pem());
    await writeFile(join(folder, 'sig'), Buffer.from(signatures[0].sig, 'base64'));
    const openssl = (signed: Buffer) =>
      spawnSync('openssl', ['dgst', '-sha256', '-verify', 'public.pem', '-signature', 'sig'], {
        cwd: folder,
        input: signed,
      }).stdout.toString();
    assert.equal(openssl(preAuthEncoding(TYPE, PAYLOAD)), 'Verified OK\n');
    assert.match(openssl(preAuthEncoding(TYPE, Buffer.from('{}'))), /Verification failure/i);
  });

  it('is verified by jose, of a JWS of whatever length its numbers are', async () => {
    const keys = createLocalJWKSet({ keys: [...(await signer.keySet()).keys] });
    // One in 128 signatures has a number with a leading zero byte, which DER leaves out.
    for (let i = 0; i < 400; i++) {
      const jws = await toJws(signer, TYPE, PAYLOAD);
      const { payload, protectedHeader } = await compactVerify(jws, keys, { algorithms: ['ES256'] });
      assert.deepEqual(Buffer.from(payload), PAYLOAD);
      const kid = await signer.keyId();
      assert.deepEqual(protectedHeader, { alg: 'ES256', kid, typ: 'JOSE', cty: 'vnd.in-toto+json' });
    }
    const [head, , signature] = (await toJws(signer, TYPE, PAYLOAD)).split('.');
    const other = [head, Buffer.from('{}').toString('base64url'), signature].join('.');
    await assert.rejects(compactVerify(other, keys), /signature verification failed/);
  });

  it('names its key by the thumbprint of RFC 7638', async () => {
    const { keys } = await signer.keySet();
    const { calculateJwkThumbprint } = await import('jose');
    assert.equal(keys[0]?.kid, await calculateJwkThumbprint({ ...keys[0] }));
    assert.equal(keys[0]?.kid, await signer.keyId());
  });
});

describe('the keys of statements', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fileshare-verdict-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const unused = () => assert.fail('Cloud KMS is asked');
  const connect = (env: Record<string, string>) =>
    connectVerdicts(readConfig(verdictVariables, env), {
      filesUrl: 'https://files.example.org',
      timeoutMs: 1_000,
      connectKms: unused,
    });

  it('are made once on one machine, for their owner alone', async () => {
    const setting = verdictKeyOf(join(folder, 'data'));
    const key = connect({ VERDICT_KEY: setting })?.signer;
    assert.equal(verdictKeyOf(join(folder, 'data')), setting);
    assert.equal(await connect({ VERDICT_KEY: setting })?.signer.keyId(), await key?.keyId());
    assert.equal((await stat(setting.slice('file:'.length))).mode & 0o777, 0o600);
  });

  it('stay listed when they are retired, without anything else that the setting has', async () => {
    const [older, newer] = ['older', 'newer'].map((name) => verdictKeyOf(join(folder, name)));
    assert.ok(older && newer);
    const before = await connect({ VERDICT_KEY: older })?.signer.keySet();
    const retired = JSON.stringify({ keys: before?.keys.map((key) => ({ ...key, d: 'secret', kid: 'x' })) });
    const signer = connect({ VERDICT_KEY: newer, VERDICT_KEYS_RETIRED: retired })?.signer;
    const { keys = [] } = (await signer?.keySet()) ?? {};
    assert.deepEqual(keys.slice(1), before?.keys);
    assert.equal(keys[0]?.kid, await signer?.keyId());
    assert.doesNotMatch(JSON.stringify(keys), /secret/);
  });

  it('are listed once, where the key that signs is among the retired', async () => {
    const key = verdictKeyOf(join(folder, 'one'));
    const retired = JSON.stringify(await connect({ VERDICT_KEY: key })?.signer.keySet());
    const set = await connect({ VERDICT_KEY: key, VERDICT_KEYS_RETIRED: retired })?.signer.keySet();
    assert.equal(set?.keys.length, 1);
  });

  it('are not there where none is set', () => {
    assert.equal(connect({}), undefined);
  });

  for (const value of ['/key.pem', 'projects/p/locations/l/keyRings/r/cryptoKeys/k', 'file:key.pem', 'x']) {
    it(`stop the function at its start where VERDICT_KEY is ${value}`, () => {
      assert.throws(() => connect({ VERDICT_KEY: value }), /VERDICT_KEY is not valid: should be projects/);
    });
  }

  it('stop the function at its start where there is no key on P-256', () => {
    const path = join(folder, 'p384.pem');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    for (const name of [path, join(folder, 'none.pem')])
      assert.throws(() => connect({ VERDICT_KEY: `file:${name}` }), /VERDICT_KEY is not valid: should name/);
  });

  it('stop the function at its start where the retired ones are no key set', () => {
    for (const retired of ['x', '{}', '{"keys": [{"kty": "EC", "crv": "P-256", "x": "a", "y": "b"}]}'])
      assert.throws(() => connect({ VERDICT_KEYS_RETIRED: retired }), /VERDICT_KEYS_RETIRED/);
  });

  it('need the address at which the schema of their statements is', () => {
    const config = readConfig(verdictVariables, { VERDICT_KEY: verdictKeyOf(folder) });
    assert.throws(
      () => connectVerdicts(config, { filesUrl: undefined, timeoutMs: 1, connectKms: unused }),
      /FILES_URL is not set/,
    );
  });
});
