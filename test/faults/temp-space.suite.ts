import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeBytes, TempSpace } from '../../functions/scanner/admission/temp-space.ts';
import { type RunningClamd, startClamd } from '../../infra/local/clamav/clamd.ts';
import { ensureClamd } from '../../infra/local/clamav/install.ts';
import { type Clamd, createClamd } from '../../shared/scanning/clamd.ts';
import { sizesFor } from '../../shared/scanning/sizes.ts';
import { ScanFault, type Verdict } from '../../shared/scanning/verdict.ts';
import { SmallFileSystem } from '../support/small-file-system.ts';
import { testFiles } from './malware.ts';

const MIB = 2 ** 20;
const SIZES = sizesFor(10 * MIB);
/** Bytes: enough to take many a file in, too few to unpack it. */
const LEFT = 8192;

describe('a really full temporary directory (needs to mount a file system, and clamav-testfiles)', () => {
  let clamd: RunningClamd | undefined;
  let small: SmallFileSystem | undefined;
  let folder: string;
  let scanner: Clamd;
  const files = testFiles() ?? [];

  before(async function () {
    if (files.length === 0) this.skip();
    await ensureClamd();
    folder = await mkdtemp(join(tmpdir(), 'temp-space-'));
    clamd = await startClamd({ folder, maxScanBytes: 10 * MIB, threads: 1 });
    small = await SmallFileSystem.over(clamd.temporaryDirectory, 80 * MIB);
    if (!small) this.skip();
    const deadlines = { connectTimeoutMs: 5_000, idleTimeoutMs: 20_000, totalTimeoutMs: 60_000 };
    scanner = createClamd({ ...clamd, ...deadlines });
  });
  beforeEach(() => small?.free());
  after(async () => {
    await small?.[Symbol.asyncDispose]();
    await clamd?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const scan = (bytes: Buffer): Promise<Verdict> =>
    scanner.scan(
      (async function* () {
        yield bytes;
      })(),
      { size: bytes.length },
    );
  const space = () => new TempSpace(() => freeBytes(clamd?.temporaryDirectory ?? folder), SIZES);

  it('makes ClamAV itself call malware clean, which is why the rest is needed', async () => {
    await small?.fill(LEFT);
    const kinds: string[] = [];
    for (const { bytes } of files) {
      kinds.push(
        await scan(bytes).then(
          ({ kind }) => kind,
          () => 'error',
        ),
      );
    }
    assert.ok(kinds.includes('clean'), kinds.join(' '));
  });

  it('admits no scan', async () => {
    await small?.fill(LEFT);
    for (const { bytes } of files) {
      assert.equal(await space().during(bytes.length, () => scan(bytes)), undefined);
    }
  });

  it('voids the verdict where it fills up only after the scan was admitted', async () => {
    for (const { name, bytes } of files) {
      await small?.free();
      const work = async (): Promise<Verdict> => {
        await small?.fill(LEFT);
        return scan(bytes);
      };
      await assert.rejects(space().during(bytes.length, work), ScanFault, name);
    }
  });

  it('finds all of them once there is space again', async () => {
    for (const { name, bytes } of files) {
      const admitted = await space().during(bytes.length, () => scan(bytes));
      assert.equal(admitted?.result.kind, 'infected', name);
    }
  });
});
