import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyReport } from '../../../../client/src/node-report.ts';
import { verifyVerdict } from '../../../../client/src/node-verdict.ts';
import type { AuditReport } from '../../../../functions/sweeper/auditor/audit.ts';
import { markSuperseded, signReport } from '../../../../functions/sweeper/auditor/signed-report.ts';
import { type SigningKey, StatementSigner } from '../../../../shared/signing/signer.ts';
import { collect } from '../../../shared/storage/streams.ts';
import { DAY, SweeperFixture } from '../fixture.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const REPORT: AuditReport = {
  began: '2026-11-29T02:23:00.000Z',
  ended: '2026-11-29T02:31:00.000Z',
  files: 1_000,
  blobs: 900,
  broken: { blobMissing: 1 },
  examples: [{ rule: 'blobMissing', object: 'blobs/sha256/1' }],
  complete: true,
};

/** The rule of the module, with its default. */
function lifecycleRule() {
  const source = (file: string) => readFileSync(join(ROOT, 'terraform', file), 'utf8');
  const [, days, prefix] =
    /age += var\.audit_reports_keep_days\n +days_since_custom_time += (\d+)\n +matches_prefix += \["([^"]+)"\]/.exec(
      source('buckets.tf'),
    ) ?? assert.fail('there is no rule');
  const [, age] =
    /variable "audit_reports_keep_days" \{[^}]*?default += (\d+)/.exec(source('variables.tf')) ??
    assert.fail();
  const condition = { age: Number(age), daysSinceCustomTime: Number(days), matchesPrefix: [prefix] };
  return { action: { type: 'Delete' }, condition };
}

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
  const fixture = new SweeperFixture(true);
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

  it('outlives the lifecycle rule of the deployment for as long as it is the newest', async () => {
    const { permanent } = fixture.sweeper;
    const rule = lifecycleRule();
    const bucket = `/storage/v1/b/${permanent.name}`;
    (await fixture.storage.call('PATCH', bucket, { json: { lifecycle: { rule: [rule] } } })).ok();
    const names: string[] = [];
    const audited = async (isMarked: boolean) => {
      fixture.now += DAY;
      const ended = new Date(fixture.now).toISOString();
      const { name } = await signReport(deps(), { ...REPORT, ended });
      names.push(name);
      if (isMarked) await markSuperseded(permanent, name, new Date(fixture.now));
    };
    const kept = async () => {
      fixture.storage.emulator.applyLifecycle();
      const { objects } = await permanent.list({ prefix: 'auditor/reports/', maxResults: 1_000 });
      return objects.map(({ name }) => names.indexOf(name));
    };
    await audited(true);
    // The auditor dies before it marks: the next one marks both.
    await audited(false);
    await audited(true);
    assert.deepEqual(await kept(), [0, 1, 2]);
    fixture.now += rule.condition.age * DAY;
    assert.deepEqual(await kept(), [2]);
    fixture.now += 10 * rule.condition.age * DAY;
    assert.deepEqual(await kept(), [2], 'no audit was signed for years');
    await audited(true);
    assert.deepEqual(await kept(), [2, 3], 'it was the newest until now');
    fixture.now += DAY;
    assert.deepEqual(await kept(), [3]);
  });

  it('is marked once, also where a retention policy keeps it', async () => {
    const { permanent } = fixture.sweeper;
    const json = { retentionPolicy: { retentionPeriod: 86_400 } };
    (await fixture.storage.call('PATCH', `/storage/v1/b/${permanent.name}`, { json })).ok();
    const older = await signReport(deps(), REPORT);
    const newer = await signReport(deps(), { ...REPORT, ended: '2026-11-30T02:31:00.000Z' });
    const marks = async () => {
      await markSuperseded(permanent, newer.name, new Date(fixture.now));
      const reports = await Promise.all([older, newer].map(({ name }) => permanent.stat(name)));
      return reports.map((report) => [report?.customTime?.getTime(), report?.metageneration]);
    };
    const first = await marks();
    assert.deepEqual(first, [
      [fixture.now, '2'],
      [undefined, '1'],
    ]);
    fixture.now += DAY;
    assert.deepEqual(await marks(), first);
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
    assert.throws(() => verifyReport(JSON.stringify(envelope), keys), /no audit report/);
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
