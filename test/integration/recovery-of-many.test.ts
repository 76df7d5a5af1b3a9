import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { parse } from 'valibot';
import { audit } from '../../functions/sweeper/auditor/audit.ts';
import { Archive } from '../../functions/sweeper/exporter/archive.ts';
import { exportRecords } from '../../functions/sweeper/exporter/export.ts';
import { RestoreOrder, restore } from '../../functions/sweeper/recovery/restore.ts';
import { Blobs } from '../../shared/files/blobs.ts';
import { newFileId } from '../../shared/files/file-id.ts';
import { Findings } from '../../shared/files/findings.ts';
import { SharedFiles } from '../../shared/files/shared-files.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import { DAY } from '../functions/sweeper/fixture.ts';
import { heapMeter } from '../support/heap.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

const FILES = 100_000;
const MIB = 2 ** 20;
const LONG_AGO = '2026-01-01T00:00:00.000Z';
const scan = { scannedAt: LONG_AGO, engine: '1.4.3' };
const log = pino({ level: 'silent' });

describe('the recovery of 100 000 files', () => {
  const heap = heapMeter();
  const terms = { budgetMs: 900_000, stopping: () => false };
  let now = Date.parse('2026-06-01T00:00:00.000Z');
  const permanent = new MemoryBucket('permanent', () => new Date(now));
  const exported = new MemoryBucket('exports', () => new Date(now));
  const archive = new Archive(exported);
  let asOf = '';

  /** A clean file with its content, one in ten with a reference. */
  function add(n: number): string {
    const owner = `org:${900_000_000 + (n % 1_000)}` as Principal;
    const id = newFileId(owner, new Date(now - n));
    const bytes = Buffer.from(String(n));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const { size, crc32c } = permanent.put(
      `blobs/sha256/${sha256}`,
      { ...scan, usedAt: new Date(now).toISOString() },
      bytes,
    );
    const stored = {
      owner,
      createdAt: LONG_AGO,
      contentType: 'text/plain',
      fileName: `report ${n}.pdf`,
      state: 'pending',
    };
    const isReferenced = n % 10 === 0;
    permanent.put(`files/${id}`, { ...stored, ...(isReferenced && { referenced: 'true' }) });
    permanent.put(`verdicts/${id}`, {
      state: 'clean',
      ...scan,
      generation: '1',
      size: String(size),
      sha256,
      crc32c,
    });
    if (isReferenced) permanent.put(`references/${id}/${sha256}`, { uri: 'urn:x:1' });
    return id;
  }
  const exporter = () => ({ permanent, archive, fullEvery: 7, now: () => new Date(now), log });
  async function measured<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    for (const calls of [permanent.calls, exported.calls])
      for (const key of Object.keys(calls)) delete calls[key];
    const [start, before] = [performance.now(), heap()];
    const result = await work();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const grown = ((heap() - before) / MIB).toFixed(0);
    console.log(
      `      ${what}: ${seconds} s, ${JSON.stringify(permanent.calls)}, exports ${JSON.stringify(exported.calls)}, ${grown} MiB more`,
    );
    return result;
  }

  before(() => {
    for (let n = 0; n < FILES; n++) add(n);
  });

  it('is prepared by an export of all, and by one of what changed', async () => {
    const full = await measured('export of all', () => exportRecords(exporter(), terms));
    assert.deepEqual([full.kind, full.complete, full.objects], ['full', true, FILES * 3.1]);
    now += 3_600_000;
    asOf = new Date(now - 1).toISOString();
    for (let n = 0; n < 100; n++) add(FILES + n);
    const next = await measured('export of what changed', () => exportRecords(exporter(), terms));
    assert.deepEqual([next.kind, next.complete, next.written], ['increment', true, 310]);
    const listings = permanent.calls['objects.list'] ?? 0;
    assert.ok(listings <= (FILES * 3.1) / 1_000 + 100, `${listings} listings`);
  }).timeout(900_000);

  it('brings back as of a time what was destroyed, and an audit finds nothing wrong', async () => {
    permanent.destroy('files/', 'verdicts/', 'references/');
    const order = parse(RestoreOrder, { scope: 'all', apply: true, asOf });
    const deps = {
      ...{ permanent, unscanned: permanent, archive, now: () => new Date(now), log },
      blobs: new Blobs(permanent, { now: () => new Date(now) }),
      findings: new Findings(permanent),
      shared: new SharedFiles(permanent),
    };
    const report = await measured('restore of all', () => restore(deps, order, terms));
    assert.deepEqual(
      [report.files, report.objects, report.complete],
      [{ restored: FILES, unknown: 100 }, { 'collect/': 100 }, true],
    );
    const again = await measured('the same again', () => restore(deps, order, terms));
    assert.deepEqual([again.files, again.objects], [{ unchanged: FILES, unknown: 100 }, {}]);
    const audited = await audit(
      {
        ...{ permanent, unscanned: new MemoryBucket('unscanned'), findings: new Findings(permanent) },
        ...{ scope: 'global', portion: 1_000_000, graceMs: 0, abandonedAfterMs: DAY, tombstoneMs: DAY },
        ...{ blobGraceMs: DAY, now: () => new Date(now), log },
      },
      terms,
    );
    assert.deepEqual([audited.broken, audited.files, audited.blobs], [{}, FILES, FILES + 100]);
  }).timeout(900_000);
});
