import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { verifyReport } from '../../../../client/src/node-report.ts';
import { verifyVerdict } from '../../../../client/src/node-verdict.ts';
import type { AuditReport } from '../../../../functions/sweeper/auditor/audit.ts';
import { signReport } from '../../../../functions/sweeper/auditor/signed-report.ts';
import { type SigningKey, StatementSigner } from '../../../../shared/signing/signer.ts';
import { collect } from '../../../shared/storage/streams.ts';
import { SweeperFixture } from '../fixture.ts';

const REPORT: AuditReport = {
  began: '2026-11-29T02:23:00.000Z',
  ended: '2026-11-29T02:31:00.000Z',
  files: 1_000,
  blobs: 900,
  broken: { blobMissing: 1 },
  examples: [{ rule: 'blobMissing', object: 'blobs/sha256/1' }],
  complete: true,
};

class MadeKey implements SigningKey {
  readonly #pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  async publicKey(): Promise<KeyObject> {
    return this.#pair.publicKey;
  }
  async sign(message: Uint8Array): Promise<Uint8Array> {
    return sign('sha256', message, this.#pair.privateKey);
  }
}

describe('the report of an audit', () => {
  const fixture = new SweeperFixture();
  const signer = new StatementSigner(new MadeKey());
  const deps = () => ({ ...fixture.sweeper, signer });
  async function kept(name: string): Promise<string> {
    const object = (await fixture.sweeper.permanent.stat(name)) ?? assert.fail('it is not kept');
    const range = { start: 0, end: object.size - 1 };
    const bytes = await fixture.sweeper.permanent.read(name, { generation: object.generation, range });
    return (await collect(bytes ?? assert.fail())).toString();
  }

  it('is kept as it was signed, and verifies offline', async () => {
    const { name, envelope } = await signReport(deps(), REPORT);
    assert.equal(name, `auditor/reports/${REPORT.ended}`);
    const text = await kept(name);
    assert.deepEqual(JSON.parse(text), envelope);
    const { permanent, unscanned } = fixture.sweeper;
    const buckets = { permanent: permanent.name, unscanned: unscanned.name };
    assert.deepEqual(verifyReport(text, await signer.keySet()), { buckets, ...REPORT });
  });

  it('is never replaced', async () => {
    const { name } = await signReport(deps(), REPORT);
    const before = await kept(name);
    await assert.rejects(signReport(deps(), { ...REPORT, broken: {} }), { name: 'StorageError' });
    assert.equal(await kept(name), before);
  });

  it('does not verify with a changed byte, by another key, or of another type', async () => {
    const { envelope } = await signReport(deps(), REPORT);
    const keys = await signer.keySet();
    const refused = { name: 'FileshareIntegrityError' };
    const payload = Buffer.from(JSON.stringify({ ...REPORT, broken: {} })).toString('base64');
    const others = await new StatementSigner(new MadeKey()).keySet();
    assert.throws(() => verifyReport(JSON.stringify({ ...envelope, payload }), keys), refused);
    assert.throws(() => verifyReport(JSON.stringify(envelope), others), refused);
    const asStatement = { ...envelope, payloadType: 'application/vnd.in-toto+json' };
    assert.throws(() => verifyReport(JSON.stringify(asStatement), keys), refused);
    async function* none() {}
    await assert.rejects(verifyVerdict(JSON.stringify(asStatement), keys, none()), refused);
    await assert.rejects(verifyVerdict(JSON.stringify(envelope), keys, none()), refused);
    assert.throws(() => verifyReport('{}', keys), refused);
  });

  it('is nothing else that was signed', async () => {
    const { envelope } = await signReport(deps(), { ended: REPORT.ended } as AuditReport);
    const keys = await signer.keySet();
    assert.throws(() => verifyReport(JSON.stringify(envelope), keys), /something else than the report/);
  });

  it('is not said to be signed where it cannot be', async () => {
    const broken = new StatementSigner({
      publicKey: new MadeKey().publicKey,
      sign: () => Promise.reject(new Error('no KMS')),
    });
    await assert.rejects(signReport({ ...deps(), signer: broken }, REPORT));
    assert.equal(await fixture.sweeper.permanent.stat(`auditor/reports/${REPORT.ended}`), undefined);
  });
});
