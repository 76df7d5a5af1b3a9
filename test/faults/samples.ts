import { randomBytes } from 'node:crypto';
import { encrypted, zip } from '../../infra/local/samples/zip.ts';
import { EICAR } from '../../shared/scanning/canary.ts';

type Expected = 'clean' | 'infected' | 'unscannable';

/** Bytes to upload, and the verdict that they have to get in the end. */
export interface Sample {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly expected: Expected;
  /** Where more than one verdict is right. */
  readonly orElse?: Expected;
  /** Its idempotency key. */
  readonly key?: string;
}

/** No two are the same: what one trial leaves behind does not spare the next its scan. */
export function clean(size = 2_000): Sample {
  return { bytes: harmless(size), expected: 'clean' };
}

/** Sample with the malware at the end, so that a scan that stops early does not find it. */
export function infected(size = 2_000): Sample {
  return { bytes: Buffer.concat([harmless(size - EICAR.length), EICAR]), expected: 'infected' };
}

export function unscannable(): Sample {
  const archive = zip([encrypted('note.txt', randomBytes(100), 'secret')]);
  return { bytes: Buffer.from(archive), expected: 'unscannable' };
}

/** One of a million random contents begins as a compressed file does, and is unscannable. */
function harmless(size: number): Buffer<ArrayBuffer> {
  const start = Buffer.from('no format begins like this: ');
  return Buffer.concat([start, randomBytes(size - start.length)]);
}
