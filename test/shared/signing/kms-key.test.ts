import assert from 'node:assert/strict';
import { connectVerdicts } from '../../../functions/files/verdicts/connect.ts';
import { KmsKey } from '../../../shared/signing/kms-key.ts';
import { StatementSigner } from '../../../shared/signing/signer.ts';
import { StorageError } from '../../../shared/storage/error.ts';
import { Transport } from '../../../shared/storage/transport.ts';
import { FAST_RETRY } from '../storage/streams.ts';
import { FakeKms, refusal, TOKEN, VERSION } from './fake-kms.ts';

const MESSAGE = Buffer.from('a statement');

describe('a key version of Cloud KMS', () => {
  const kms = new FakeKms();
  const keyOf = (version = VERSION, token = TOKEN) =>
    new KmsKey({
      transport: new Transport(kms.endpoint, async () => new Headers({ authorization: token })),
      version,
      timeoutMs: 5_000,
      retry: FAST_RETRY,
    });
  const isFault = (status: number, transient: boolean, message: RegExp) => (error: unknown) =>
    error instanceof StorageError &&
    error.status === status &&
    error.transient === transient &&
    message.test(error.message);

  it('signs the SHA-256 of a message', async () => {
    const signature = await keyOf().sign(MESSAGE);
    assert.ok(kms.verifies(MESSAGE, signature));
    assert.ok(!kms.verifies(Buffer.from('another'), signature));
    assert.deepEqual(kms.calls, ['asymmetricSign']);
  });

  it('tells its public key, and asks for it once', async () => {
    const key = keyOf();
    const [first, second] = await Promise.all([key.publicKey(), key.publicKey()]);
    assert.ok(first.equals(kms.key.publicKey) && second.equals(first) && first.equals(await key.publicKey()));
    assert.deepEqual(kms.calls, ['getPublicKey']);
    const { keys } = await new StatementSigner(key).keySet();
    const { x, y } = kms.key.publicKey.export({ format: 'jwk' });
    assert.deepEqual([keys[0]?.x, keys[0]?.y], [x, y]);
  });

  for (const [name, change] of [
    ['a signature that changed', { signature: Buffer.from('0000').toString('base64') }],
    ['another CRC32C of the signature', { signatureCrc32c: '1' }],
    ['no CRC32C of the signature', { signatureCrc32c: undefined }],
    ['no signature, with the CRC32C of nothing', { signature: '', signatureCrc32c: '0' }],
    ['a digest that was not verified', { verifiedDigestCrc32c: false }],
    ['a digest of which nothing is told', { verifiedDigestCrc32c: undefined }],
    ['the name of another version', { name: VERSION.replace(/1$/, '2') }],
  ] as const) {
    it(`asks again after ${name}, and gives up at last`, async () => {
      kms.next.push((answer) => ({ ...answer, ...change }));
      assert.ok(kms.verifies(MESSAGE, await keyOf().sign(MESSAGE)));
      assert.equal(kms.calls.length, 2);
      for (let i = 0; i < FAST_RETRY.attempts; i++) kms.next.push((answer) => ({ ...answer, ...change }));
      await assert.rejects(
        keyOf().sign(MESSAGE),
        isFault(0, true, /^kms\.asymmetricSign: no answer damaged: /),
      );
    });
  }

  it('sends a digest again that changed on its way', async () => {
    kms.onTheWay = (body) => {
      body['digest'] = { sha256: Buffer.alloc(32).toString('base64') };
    };
    assert.ok(kms.verifies(MESSAGE, await keyOf().sign(MESSAGE)));
    assert.equal(kms.calls.length, 2);
  });

  it('does not take a signature for whose digest no checksum arrived', async () => {
    kms.onTheWay = (body) => {
      delete body['digestCrc32c'];
    };
    assert.ok(kms.verifies(MESSAGE, await keyOf().sign(MESSAGE)));
    assert.equal(kms.calls.length, 2);
  });

  for (const [name, change] of [
    ['another CRC32C of the key', { pemCrc32c: '1' }],
    ['a key that changed', { pem: 'x' }],
    ['no key', { pem: undefined, pemCrc32c: undefined }],
    ['the name of another version', { name: 'x' }],
  ] as const) {
    it(`asks again for its public key after ${name}, and gives up at last`, async () => {
      kms.next.push((answer) => ({ ...answer, ...change }));
      assert.ok((await keyOf().publicKey()).equals(kms.key.publicKey));
      for (let i = 0; i < FAST_RETRY.attempts; i++) kms.next.push((answer) => ({ ...answer, ...change }));
      const key = keyOf();
      await assert.rejects(key.publicKey(), isFault(0, true, /^kms\.getPublicKey: no answer damaged: /));
      assert.ok((await key.publicKey()).equals(kms.key.publicKey), 'and asks again later');
    });
  }

  it('asks again where Cloud KMS cannot answer right now, and gives up at last', async () => {
    kms.next.push(
      () => refusal(503, 'UNAVAILABLE'),
      () => refusal(500, 'INTERNAL'),
      () => refusal(429, 'RESOURCE_EXHAUSTED'),
      () => 'hang up',
    );
    assert.ok(kms.verifies(MESSAGE, await keyOf().sign(MESSAGE)));
    assert.equal(kms.calls.length, 5);
    for (let i = 0; i < FAST_RETRY.attempts; i++) kms.next.push(() => refusal(503, 'UNAVAILABLE', 'down'));
    await assert.rejects(keyOf().sign(MESSAGE), isFault(503, true, /UNAVAILABLE: down/));
  });

  it('is what VERDICT_KEY names', async () => {
    const config = { VERDICT_KEY: VERSION, VERDICT_KEYS_RETIRED: undefined };
    const connectKms = () => new Transport(kms.endpoint, async () => new Headers({ authorization: TOKEN }));
    const filesUrl = 'https://files.example.org';
    const verdicts = connectVerdicts(config, { filesUrl, connectKms, timeoutMs: 5_000 });
    assert.equal(verdicts?.filesUrl, filesUrl);
    assert.ok(kms.verifies(MESSAGE, (await verdicts?.signer.sign(MESSAGE)) ?? assert.fail()));
  });

  it('fails at once, and names the resource, without permission', async () => {
    kms.next.push(() => refusal(403, 'PERMISSION_DENIED', "Permission 'useToSign' denied."));
    const names = isFault(403, false, /Permission 'useToSign' denied\. Resource: .*cryptoKeyVersions\/1:/);
    await assert.rejects(keyOf().sign(MESSAGE), names);
    await assert.rejects(keyOf(VERSION, 'Bearer other').sign(MESSAGE), isFault(401, false, /no credentials/));
    assert.equal(kms.calls.length, 1);
  });

  for (const state of ['DISABLED', 'DESTROYED'] as const) {
    it(`fails at once where the version is ${state}`, async () => {
      kms.state = state;
      const tells = isFault(400, false, new RegExp(`FAILED_PRECONDITION: .* current state is: ${state}`));
      await assert.rejects(keyOf().sign(MESSAGE), tells);
      await assert.rejects(keyOf().publicKey(), tells);
      assert.equal(kms.calls.length, 2);
    });
  }

  it('fails at once where there is no such version', async () => {
    const none = keyOf(VERSION.replace(/1$/, '9'));
    await assert.rejects(none.sign(MESSAGE), isFault(404, false, /NOT_FOUND/));
  });

  it('is refused where it is of another algorithm', async () => {
    kms.algorithm = 'EC_SIGN_P384_SHA384';
    await assert.rejects(
      keyOf().publicKey(),
      /^Error: VERDICT_KEY is of EC_SIGN_P384_SHA384, not of EC_SIGN_P256/,
    );
  });

  it('does not go on for a client that has gone', async () => {
    const gone = new AbortController();
    kms.next.push(() => {
      gone.abort();
      return refusal(503, 'UNAVAILABLE');
    });
    await assert.rejects(keyOf().sign(MESSAGE, gone.signal));
    assert.equal(kms.calls.length, 1);
  });
});
