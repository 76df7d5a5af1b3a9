import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type RunningClamd, startClamd } from '../../../../infra/local/clamav/clamd.ts';
import { ensureClamd } from '../../../../infra/local/clamav/install.ts';
import { EICAR } from '../../../../shared/scanning/canary.ts';
import { createClamd } from '../../../../shared/scanning/clamd.ts';
import type { Verdict } from '../../../../shared/scanning/verdict.ts';
import { untilConnected } from '../../../support/clamd.ts';
import { zip } from './zip.ts';

const MIB = 2 ** 20;
const MAX_BYTES = 4 * MIB;
const MAX_UNPACKED = 2 * MAX_BYTES;

function exceeded(limit: string): Verdict {
  return { kind: 'unscannable', reason: 'limitExceeded', detail: `Heuristics.Limits.Exceeded.${limit}` };
}

function nested(depth: number, innermost: Buffer): Buffer {
  let archive = innermost;
  for (let level = 0; level < depth; level++) archive = zip({ name: `${level}.zip`, data: archive });
  return archive;
}

describe('the hardened clamd.conf', () => {
  let folder: string;
  let clamd: RunningClamd;
  before(async () => {
    await ensureClamd();
    folder = await mkdtemp(join(tmpdir(), 'clamd-limits-'));
    clamd = await startClamd({ folder, maxScanBytes: MAX_BYTES, threads: 1 });
  });
  after(async () => {
    await clamd?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function verdictOn(file: Buffer): Promise<Verdict> {
    const { host, port } = clamd;
    const deadlines = { connectTimeoutMs: 30_000, idleTimeoutMs: 60_000, totalTimeoutMs: 150_000 };
    const source = (async function* () {
      yield file;
    })();
    return createClamd({ host, port, ...deadlines }).scan(source, { size: file.length });
  }

  it('scans a file of exactly the maximum', async () => {
    assert.deepEqual(await verdictOn(Buffer.alloc(MAX_BYTES)), { kind: 'clean' });
    const infected = Buffer.concat([Buffer.alloc(MAX_BYTES - EICAR.length), EICAR]);
    assert.equal((await verdictOn(infected)).kind, 'infected');
  });

  it('never calls a file above the maximum clean', async () => {
    const file = Buffer.concat([EICAR, Buffer.alloc(MAX_BYTES)]);
    const verdict = await untilConnected(() => verdictOn(file));
    assert.deepEqual(verdict, { kind: 'unscannable', reason: 'tooLarge' });
  });

  it('finds EICAR at the end of a file in an archive, up to all that is unpacked', async () => {
    const data = Buffer.concat([Buffer.alloc(MAX_UNPACKED - 64 * 1024), EICAR]);
    assert.equal((await verdictOn(zip({ name: 'a', data }))).kind, 'infected');
  });

  for (const more of [0, 1, 8192, MIB, 2 * MIB, 20 * MIB]) {
    it(`never calls an archive clean with a file that is ${more} bytes above that`, async () => {
      const data = Buffer.concat([Buffer.alloc(MAX_UNPACKED + more), EICAR]);
      assert.deepEqual(await verdictOn(zip({ name: 'a', data })), exceeded('MaxScanSize'));
      assert.deepEqual(await verdictOn(gzipSync(data)), exceeded('MaxScanSize'));
    });
  }

  it('never calls an archive clean whose files together are above that', async () => {
    const parts = Array.from({ length: 3 }, (_, i) => ({ name: `${i}`, data: Buffer.alloc(3 * MIB, i) }));
    assert.deepEqual(await verdictOn(zip(...parts)), exceeded('MaxScanSize'));
  });

  it('never calls an archive clean of more than MaxFiles files', async () => {
    const files = Array.from({ length: 10_001 }, (_, i) => ({ name: `${i}`, data: Buffer.from(`${i}`) }));
    assert.deepEqual(await verdictOn(zip(...files)), exceeded('MaxFiles'));
  });

  it('never calls archives clean that are nested deeper than MaxRecursion', async () => {
    assert.deepEqual(await verdictOn(nested(20, EICAR)), exceeded('MaxRecursion'));
  });

  it('finds EICAR within archives that are nested less deeply', async () => {
    assert.equal((await verdictOn(nested(10, EICAR))).kind, 'infected');
  });

  it('never calls a bomb clean', async () => {
    const layer = (data: Buffer) =>
      zip(...Array.from({ length: 10 }, (_, i) => ({ name: `${i}.zip`, data })));
    const bomb = layer(layer(zip({ name: 'zeros', data: Buffer.alloc(MIB) })));
    assert.equal((await verdictOn(bomb)).kind, 'unscannable');
  });

  it('never calls an encrypted archive clean', async () => {
    assert.deepEqual(await verdictOn(zip({ name: 'secret', data: EICAR, encrypted: true })), {
      kind: 'unscannable',
      reason: 'encrypted',
      detail: 'Heuristics.Encrypted.Zip',
    });
  });

  it('never calls an encrypted PDF clean', async () => {
    assert.deepEqual(await verdictOn(encryptedPdf()), {
      kind: 'unscannable',
      reason: 'encrypted',
      detail: 'Heuristics.Encrypted.PDF',
    });
  });

  it('names the malware in a file that exceeds a limit as well', async () => {
    const file = zip({ name: 'a', data: EICAR }, { name: 'b', data: Buffer.alloc(MAX_UNPACKED) });
    assert.equal((await verdictOn(file)).kind, 'infected');
  });

  it('finds EICAR in the attachment of a mail', async () => {
    const mail = [
      'From: a@example.org\r\nSubject: hello\r\nMIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary="b"\r\n',
      '--b\r\nContent-Type: application/octet-stream; name="x.zip"',
      'Content-Disposition: attachment; filename="x.zip"\r\nContent-Transfer-Encoding: base64\r\n',
      `${zip({ name: 'x', data: EICAR }).toString('base64')}\r\n--b--\r\n`,
    ].join('\r\n');
    assert.equal((await verdictOn(Buffer.from(mail))).kind, 'infected');
  });
});

const PDF_OBJECTS = [
  '<< /Type /Catalog /Pages 2 0 R >>',
  '<< /Type /Pages /Kids [] /Count 0 >>',
  `<< /Filter /Standard /V 1 /R 2 /O <${'41'.repeat(32)}> /U <${'42'.repeat(32)}> /P -44 >>`,
];

/** A PDF (ISO 32000-1, 7.5) which says that it is encrypted, with a password that is not empty. */
function encryptedPdf(): Buffer {
  let body = '%PDF-1.4\n';
  let xref = '0000000000 65535 f \n';
  for (const [index, object] of PDF_OBJECTS.entries()) {
    xref += `${`${body.length}`.padStart(10, '0')} 00000 n \n`;
    body += `${index + 1} 0 obj\n${object}\nendobj\n`;
  }
  const id = `<${'43'.repeat(16)}>`;
  const trailer = `<< /Size 4 /Root 1 0 R /Encrypt 3 0 R /ID [${id} ${id}] >>`;
  return Buffer.from(`${body}xref\n0 4\n${xref}trailer\n${trailer}\nstartxref\n${body.length}\n%%EOF\n`);
}
