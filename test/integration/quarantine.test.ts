import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addSignature, removeSignature } from '../support/new-signature.ts';
import { eventually, Service } from '../support/service.ts';

const DAY = 86_400_000;

describe('a content in quarantine', () => {
  const service = new Service();
  // Operators decide, and the schedule sweeps, within one second.
  beforeEach(() => service.contends());

  async function order(path: string, body: Record<string, string>): Promise<unknown> {
    const response = await service.sweeper(path, { body: JSON.stringify(body) });
    const text = await response.text();
    assert.ok(response.ok, text);
    return JSON.parse(text);
  }
  async function becomes(id: string, state: string): Promise<void> {
    await eventually(async () => {
      assert.ok((await service.sweeper('/sweep')).ok);
      return (await service.status(id)).state === state;
    });
  }
  async function inQuarantine(
    which: (item: Record<string, unknown>) => boolean,
  ): Promise<Record<string, unknown>[]> {
    const response = await service.sweeper('/quarantine', { method: 'GET', as: 'operator' });
    assert.equal(response.status, 200);
    const { items } = (await response.json()) as { items: Record<string, unknown>[] };
    return items.filter(which);
  }
  const eventTypes = async (subject: string) =>
    (await service.events())
      .filter(({ attributes }) => attributes['ce-subject'] === subject)
      .map(({ attributes }) => `${attributes['eventType']} ${attributes['verdict']}`);
  /** Deletes what is stored of a content, as a collection does once nobody uses it. */
  async function collected(sha256: string): Promise<void> {
    const bucket = service.bucket('permanent');
    const blob = (await bucket.stat(`blobs/sha256/${sha256}`)) ?? assert.fail('it is not stored');
    assert.ok(await bucket.delete(blob.name, blob));
  }

  it('that a re-scan found is clean again once an operator releases it, and refused once one condemns it', async () => {
    const bytes = randomBytes(2_000);
    const { id } = await service.upload(bytes);
    const { sha256 = '', state } = await service.decided(id);
    assert.equal(state, 'clean');
    const at = new Date(Date.now() - 2 * DAY).toISOString();
    const blob = (await service.bucket('permanent').stat(`blobs/sha256/${sha256}`)) ?? assert.fail();
    await service.bucket('permanent').patch(blob.name, blob, { cleanSince: at, scannedAt: at });
    await addSignature(service, bytes, 'Late.Signature');
    assert.ok((await service.sweeper('/rescan')).ok);
    await eventually(async () => (await service.call('GET', `/files/${id}`)).status === 410);
    await becomes(id, 'infected');
    assert.ok(await service.bucket('quarantine').stat(`sha256/${sha256}`));
    await collected(sha256);

    const signature = 'Late.Signature.UNOFFICIAL';
    const wrong = await order('/release', { sha256, signature: 'Another', reason: 'a test' });
    assert.deepEqual(wrong, { released: 0 });
    assert.deepEqual(await order('/release', { sha256, signature, reason: 'withdrawn' }), { released: 1 });
    await becomes(id, 'clean');
    const download = await service.call('GET', `/files/${id}`);
    assert.deepEqual(Buffer.from(await download.arrayBuffer()), bytes);
    const { released } = (await service.status(id)) as {
      released?: { by: string; reason: string; at: string };
    };
    assert.deepEqual(Object.keys(released ?? {}), ['by', 'reason', 'at']);
    assert.equal(released?.reason, 'withdrawn');
    await eventually(async () => (await eventTypes(id)).includes('file.released.v1 clean'));
    assert.ok((await eventTypes(sha256)).includes('verdict.changed.v1 clean'));

    const again = await service.decided((await service.upload(bytes)).id);
    assert.equal(again.state, 'clean', 'the signature is allowed in this content');

    assert.deepEqual(await order('/condemn', { sha256, reason: 'phishing' }), { condemned: 1 });
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
    await becomes(id, 'infected');
    assert.equal((await service.status(id)).signature, signature, 'what was released is found again');
    await collected(sha256);
    assert.deepEqual(await order('/release', { sha256, reason: 'a mistake' }), { released: 1 });
    await becomes(id, 'clean');
    assert.equal((await service.call('GET', `/files/${id}`)).status, 200);
  });

  it('that was condemned before anybody had it is handed out by no release of that', async () => {
    const bytes = randomBytes(2_000);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await addSignature(service, bytes, 'Known.Malware');
    assert.deepEqual(await order('/condemn', { sha256, reason: 'a list' }), { condemned: 1 });
    const { id } = await service.upload(bytes);
    assert.equal((await service.decided(id)).signature, 'Operator.Condemned');
    assert.deepEqual(await order('/release', { sha256, reason: 'a mistake' }), { released: 1 });
    const swept = await service.sweeper('/sweep');
    const { recalls } = (await swept.json()) as { recalls: { files: object } };
    assert.deepEqual(recalls.files, { ...recalls.files, neverClean: 1 });
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);
    const again = await service.decided((await service.upload(bytes)).id);
    assert.equal(again.signature, 'Known.Malware.UNOFFICIAL', 'a scan decides');
  });

  it('that never was clean is clean for each of its files once an operator releases it', async () => {
    const bytes = randomBytes(2_000);
    await addSignature(service, bytes, 'False.Positive');
    const ids: string[] = [];
    let sha256 = '';
    for (let times = 0; times < 2; times++) {
      const { id } = await service.upload(bytes);
      const decided = await service.decided(id);
      assert.equal(decided.state, 'infected');
      sha256 = decided.sha256 ?? '';
      ids.push(id);
    }
    const listed = () => inQuarantine((item) => item['sha256'] === sha256);
    const before = await listed();
    assert.deepEqual(before.map(({ name }) => name).sort(), [...ids].sort());
    for (const item of before) {
      assert.deepEqual([item['finding'], item['signature']], ['stands', 'False.Positive.UNOFFICIAL']);
      assert.deepEqual([item['size'], item['found']], [bytes.length, 'False.Positive.UNOFFICIAL']);
      assert.ok(item['engine'] && item['since']);
    }
    const [name = ''] = ids;
    const archive = await service.sweeper(`/quarantine/content?name=${name}`, {
      method: 'GET',
      as: 'operator',
    });
    assert.equal(archive.headers.get('content-type'), 'application/zip');
    const zipped = Buffer.from(await archive.arrayBuffer());
    assert.equal(zipped.includes(bytes.subarray(0, 16)), false);
    const path = join(service.platform.status().data, 'one.zip');
    await writeFile(path, zipped);
    assert.deepEqual(execFileSync('unzip', ['-p', '-P', 'infected', path]), bytes);
    assert.throws(() => execFileSync('unzip', ['-p', '-P', 'wrong', path], { stdio: 'pipe' }));
    assert.deepEqual(await order('/release', { sha256, reason: 'ours' }), { released: 1 });
    const [after] = await listed();
    assert.equal(after?.['finding'], 'released');
    assert.match(JSON.stringify(after?.['word']), /"reason":"ours"/);
    for (const id of ids) {
      await becomes(id, 'clean');
      const download = await service.call('GET', `/files/${id}`);
      assert.deepEqual(Buffer.from(await download.arrayBuffer()), bytes);
    }
  });

  it('is reported, and stays where it is, when newer signatures find nothing in it', async () => {
    const bytes = randomBytes(2_000);
    await addSignature(service, bytes, 'Withdrawn.Signature');
    const { id, sha256 = '', state } = await service.decided((await service.upload(bytes)).id);
    assert.equal(state, 'infected');
    assert.deepEqual(await order('/quarantine/rescan', { name: id }), { requested: 1 });
    await removeSignature(service, bytes, 'Withdrawn.Signature');
    const listed = async () => (await inQuarantine((item) => item['sha256'] === sha256))[0] ?? assert.fail();
    assert.equal((await listed())['cleanSince'], undefined);
    assert.deepEqual(await order('/quarantine/rescan', { name: id }), { requested: 1 });
    const item = await eventually(async () => {
      const now = await listed();
      return now['cleanSince'] !== undefined && now;
    });
    assert.equal(item['finding'], 'stands');
    const { at, version } = item['cleanSince'] as { at: string; version: string };
    assert.ok(Date.now() - Date.parse(at) < 60_000);
    assert.match(version, /^\d+\.\d+/);
    assert.ok((await service.sweeper('/rescan')).ok);
    assert.ok((await service.sweeper('/sweep')).ok);
    assert.equal((await service.status(id)).state, 'infected');
    assert.equal((await service.call('GET', `/files/${id}`)).status, 410);

    const none = { requested: 0 };
    const condemned = await service.decided((await service.upload(randomBytes(100))).id);
    await order('/condemn', { sha256: condemned.sha256 ?? '', reason: 'a test' });
    await becomes(condemned.id, 'infected');
    assert.deepEqual(await order('/quarantine/rescan', { name: `sha256/${condemned.sha256}` }), none);
    for (const [name, status] of [
      ['sha256/none', 404],
      ['../files', 400],
    ] as const) {
      const response = await service.sweeper('/quarantine/rescan', { body: JSON.stringify({ name }) });
      assert.equal(response.status, status);
    }
  });

  it('is listed for operators alone', async () => {
    const asMachine = await service.sweeper('/quarantine', { method: 'GET', as: 'schedule' });
    assert.equal(asMachine.status, 403);
    const posted = await service.sweeper('/quarantine', { as: 'operator' });
    assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET']);
    const odd = await service.sweeper('/quarantine?after=../x', { method: 'GET', as: 'operator' });
    assert.equal(odd.status, 400);
    for (const [as, name, status] of [
      ['schedule', 'sha256/x', 403],
      ['operator', 'sha256/x', 404],
      ['operator', '../files', 404],
    ] as const) {
      const content = await service.sweeper(`/quarantine/content?name=${name}`, { method: 'GET', as });
      assert.equal(content.status, status);
    }
  });

  it('is nobody else’s to decide on', async () => {
    for (const path of ['/release', '/condemn']) {
      for (const body of [{}, { sha256: 'x', reason: 'y' }, { sha256: 'a'.repeat(64), reason: ' ' }]) {
        const response = await service.sweeper(path, { body: JSON.stringify(body) });
        assert.equal(response.status, 400);
      }
    }
  });
});

describe('a content in quarantine, where the policy is to release what newer signatures find clean', () => {
  const service = new Service(
    {},
    {
      adapt: (spec) =>
        spec.name === 'sweeper' ? { ...spec, env: { ...spec.env, CLEAN_IN_QUARANTINE: 'release' } } : spec,
    },
  );
  beforeEach(() => service.contends());

  it('is clean for its files after a job has asked for it, as after an operator’s release', async () => {
    const bytes = randomBytes(2_000);
    await addSignature(service, bytes, 'Withdrawn.Signature');
    const { id, sha256, state } = await service.decided((await service.upload(bytes)).id);
    assert.equal(state, 'infected');
    await removeSignature(service, bytes, 'Withdrawn.Signature');
    const ordered = await service.sweeper('/rescans', { body: '{"job": "withdrawn", "quarantine": true}' });
    assert.equal(ordered.status, 200);
    const report = await eventually(async () => {
      const response = await service.sweeper('/rescan');
      assert.equal(response.status, 200);
      const { quarantine } = (await response.json()) as { quarantine: { released?: number } };
      return quarantine.released === 1 && quarantine;
    });
    assert.deepEqual(report, { released: 1 });
    await eventually(async () => {
      assert.ok((await service.sweeper('/sweep')).ok);
      return (await service.status(id)).state === 'clean';
    });
    const download = await service.call('GET', `/files/${id}`);
    assert.deepEqual(Buffer.from(await download.arrayBuffer()), bytes);
    const { released } = (await service.status(id)) as { released?: { by: string } };
    assert.equal(released?.by, 'policy');
    const events = (await service.events()).filter(({ attributes }) => attributes['ce-subject'] === sha256);
    assert.deepEqual(
      events.map(({ attributes }) => [attributes['eventType'], attributes['verdict']]),
      [['verdict.changed.v1', 'clean']],
    );
  });
});
