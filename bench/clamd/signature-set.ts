import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EICAR } from '../../shared/scanning/canary.ts';

/** The share of signatures of bodies; the others are digests. An assumption: most official signatures are digests. */
const BODIES = 0.02;
const AT_ONCE = 100_000;

/**
 * Writes a database of that many signatures which find nothing, beside the one of EICAR: as many as the official database
 * has take its memory and time, and can't be had everywhere.
 * @param count signatures
 * @returns the folder, for `CLAMAV_DATABASE_DIR`
 */
export async function writeSignatures(folder: string, count: number): Promise<string> {
  const bodies = Math.round(count * BODIES);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'eicar.ndb'), `Eicar-Test-Signature:0:*:${EICAR.toString('hex')}\n`);
  await writeFile(join(folder, 'bodies.ndb'), lines(bodies, body));
  await writeFile(join(folder, 'digests.hsb'), lines(count - bodies, digest));
  return folder;
}

function* lines(count: number, line: (at: number) => string): Generator<string> {
  for (let from = 0; from < count; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => line(from + at));
    yield `${some.join('\n')}\n`;
  }
}

/** 24 bytes, anywhere in any file, with a gap as many have. */
function body(at: number): string {
  const hex = randomBytes(24).toString('hex');
  return `Synthetic.Body-${at}:0:*:${hex.slice(0, 24)}??${hex.slice(24)}`;
}

/** The SHA-256 of a file of that size, as most official signatures have. */
function digest(at: number): string {
  return `${randomBytes(32).toString('hex')}:${100 + (at % 1_000_000)}:Synthetic.Digest-${at}`;
}
