import assert from 'node:assert/strict';
import { createReadStream, existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningClamd } from '../../../infra/local/clamav/clamd.ts';
import { detectsCanary, EICAR } from '../../../shared/scanning/canary.ts';
import { CLAMAV_MAX_BYTES, type Clamd, createClamd } from '../../../shared/scanning/clamd.ts';
import { SHARED_MAX_BYTES, sharedClamd, sharedScanner, untilConnected } from '../../support/clamd.ts';
import { hostileServer, replyAfterStream } from './hostile.ts';
import { chunks, stalling, zeros } from './sources.ts';

const MIB = 2 ** 20;
const TESTFILES = '/usr/share/clamav-testfiles';
const INFECTED = { kind: 'infected', signature: 'Eicar-Test-Signature.UNOFFICIAL' };

/** Polls, since clamd removes its files when it notices, not when we hang up. */
async function untilEmpty(folder: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    if ((await readdir(folder)).length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.deepEqual(await readdir(folder), []);
}

async function untilNotEmpty(folder: string): Promise<void> {
  while ((await readdir(folder)).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('Clamd', () => {
  let clamd: RunningClamd;
  let scanner: Clamd;
  before(async () => {
    clamd = await sharedClamd();
    scanner = await sharedScanner();
  });

  it('answers, says which engine it is, and detects its canary', async () => {
    await scanner.ping();
    assert.match((await scanner.version()).engine, /^\d+\.\d+/);
    assert.equal(await detectsCanary(scanner), true);
  });

  it('calls an empty file clean', async () => {
    assert.deepEqual(await scanner.scan(chunks(), { size: 0 }), { kind: 'clean' });
  });

  it('finds EICAR in a single chunk', async () => {
    assert.deepEqual(await scanner.scan(chunks(EICAR), { size: EICAR.length }), INFECTED);
  });

  it('finds EICAR byte by byte', async () => {
    const source = chunks(...Array.from(EICAR, (byte) => Uint8Array.of(byte)));
    assert.deepEqual(await scanner.scan(source, { size: EICAR.length }), INFECTED);
  });

  it('finds EICAR between empty chunks', async () => {
    const source = chunks('', EICAR.subarray(0, 30), '', '', EICAR.subarray(30), '');
    assert.deepEqual(await scanner.scan(source, { size: EICAR.length }), INFECTED);
  });

  it('finds EICAR in the last bytes of 100 MB', async () => {
    async function* source() {
      yield* zeros(100 * MIB);
      yield EICAR;
    }
    assert.deepEqual(await scanner.scan(source(), { size: 100 * MIB + EICAR.length }), INFECTED);
  });

  it('finds what is in each of the files of clamav-testfiles', async function () {
    if (!existsSync(TESTFILES)) this.skip();
    const names = await readdir(TESTFILES);
    assert.equal(names.length >= 40, true);
    for (const name of names) {
      const path = join(TESTFILES, name);
      const verdict = await scanner.scan(createReadStream(path), { size: (await stat(path)).size });
      assert.equal(verdict.kind, 'infected', name);
    }
  });

  it('gives no verdict on fewer bytes than the file has, and never asks clamd for one', async () => {
    const scan = scanner.scan(chunks('nothing to '), { size: 12 });
    await assert.rejects(scan, { name: 'ScanFault', code: 'shortStream' });
  });

  it('gives no verdict on more bytes than the file has', async () => {
    await assert.rejects(scanner.scan(chunks('nothing'), { size: 6 }), { code: 'longStream' });
    await assert.rejects(scanner.scan(chunks('nothing', 'x'), { size: 7 }), { code: 'longStream' });
  });

  it('gives no verdict on what is not bytes', async () => {
    const source = (async function* () {
      // Untyped code could yield it.
      yield 'text' as unknown as Uint8Array;
    })();
    await assert.rejects(scanner.scan(source, { size: 4 }), { code: 'sourceFailed' });
  });

  it('refuses a size that is none, and still finishes with the source', async () => {
    for (const size of [-1, 1.5, Number.NaN]) {
      const source = stalling();
      await assert.rejects(scanner.scan(source, { size }), RangeError);
      assert.equal(source.destroyed, true);
    }
  });

  it('calls a file above the maximum too large, without reading it', async () => {
    const limited = await sharedScanner({ maxBytes: 10 });
    const source = stalling();
    const verdict = await limited.scan(source, { size: 11 });
    assert.deepEqual(verdict, { kind: 'unscannable', reason: 'tooLarge' });
    assert.equal(source.destroyed, true);
    assert.deepEqual(await limited.scan(chunks('0123456789'), { size: 10 }), { kind: 'clean' });
  });

  it("never believes in a maximum above ClamAV's own", async () => {
    const limited = await sharedScanner({ maxBytes: CLAMAV_MAX_BYTES + 1 });
    const verdict = await limited.scan(stalling(), { size: CLAMAV_MAX_BYTES + 1 });
    assert.deepEqual(verdict, { kind: 'unscannable', reason: 'tooLarge' });
  });

  it("calls a stream above clamd's own maximum too large", async () => {
    const size = SHARED_MAX_BYTES + 1;
    const verdict = await untilConnected(() => scanner.scan(zeros(size, MIB), { size }));
    assert.deepEqual(verdict, { kind: 'unscannable', reason: 'tooLarge' });
    await untilEmpty(clamd.temporaryDirectory);
  });

  it('leaves no temporary file in clamd behind a source that failed', async () => {
    const source = stalling(Buffer.alloc(MIB));
    const scan = scanner.scan(source, { size: 2 * MIB });
    await untilNotEmpty(clamd.temporaryDirectory);
    source.destroy(new Error('broken'));
    await assert.rejects(scan, { code: 'sourceFailed' });
    await untilEmpty(clamd.temporaryDirectory);
  });

  it('leaves no temporary file in clamd behind a scan that was aborted', async () => {
    const caller = new AbortController();
    const scan = scanner.scan(stalling(Buffer.alloc(MIB)), { size: 2 * MIB, signal: caller.signal });
    await untilNotEmpty(clamd.temporaryDirectory);
    caller.abort();
    await assert.rejects(scan, { code: 'aborted' });
    await untilEmpty(clamd.temporaryDirectory);
  });

  it('is unreachable where nobody listens', async () => {
    await using server = await hostileServer(() => {});
    const { host, port } = server;
    await server[Symbol.asyncDispose]();
    const deadlines = { connectTimeoutMs: 5_000, idleTimeoutMs: 5_000, totalTimeoutMs: 5_000 };
    const scan = createClamd({ host, port, ...deadlines }).scan(chunks('x'), { size: 1 });
    await assert.rejects(scan, (error: Error & { code: string }) => {
      return error.code === 'unreachable' && (error.cause as NodeJS.ErrnoException).code === 'ECONNREFUSED';
    });
  });

  it('returns a generator that it does not read to the end', async () => {
    let returned = false;
    async function* source() {
      try {
        yield* zeros(MIB);
      } finally {
        returned = true;
      }
    }
    await assert.rejects(scanner.scan(source(), { size: 1 }), { code: 'longStream' });
    assert.equal(returned, true);
  });

  it('leaves no timer behind, however it ends', async () => {
    const { signal } = new AbortController();
    // mocha sets a timer once it has seen that this is asynchronous.
    await scanner.ping(signal);
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    await scanner.scan(chunks('x'), { size: 1, signal });
    await scanner.scan(chunks('x'), { size: 2, signal }).catch(() => {});
    await scanner.scan(chunks('xxx'), { size: 2, signal }).catch(() => {});
    await scanner.version(signal);
    const after = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    assert.equal(after, before);
  });

  it('keeps memory flat over 500 MB, however fast the source', async () => {
    await using server = await hostileServer(replyAfterStream('stream: OK\0'));
    const { host, port } = server;
    const deadlines = { connectTimeoutMs: 30_000, idleTimeoutMs: 60_000, totalTimeoutMs: 150_000 };
    const before = process.memoryUsage().rss;
    let peak = before;
    async function* watched() {
      for await (const chunk of zeros(500 * MIB)) {
        peak = Math.max(peak, process.memoryUsage.rss());
        yield chunk;
      }
    }
    const verdict = await createClamd({ host, port, ...deadlines }).scan(watched(), { size: 500 * MIB });
    assert.deepEqual(verdict, { kind: 'clean' });
    const grownMib = (peak - before) / MIB;
    assert(grownMib < 150, `grew by ${grownMib} MiB`);
  });

  it('asks the source for no more than a few chunks while clamd takes none', async () => {
    await using server = await hostileServer((socket) => socket.pause());
    const { host, port } = server;
    const deadlines = { connectTimeoutMs: 30_000, idleTimeoutMs: 200, totalTimeoutMs: 150_000 };
    let given = 0;
    async function* counted() {
      for await (const chunk of zeros(500 * MIB)) {
        given += chunk.length;
        yield chunk;
      }
    }
    const scan = createClamd({ host, port, ...deadlines }).scan(counted(), { size: 500 * MIB });
    await assert.rejects(scan, { code: 'timeout' });
    assert(given < 32 * MIB, `took ${given / MIB} MiB`);
  });
});
