import { createHash } from 'node:crypto';
import { parseSha256, type Sha256 } from '../../shared/files/record.ts';
import type { Clamd } from '../../shared/scanning/clamd.ts';
import { ScanFault, type Verdict } from '../../shared/scanning/verdict.ts';

/** A content, and which engines find something in it. */
export type Kind =
  | 'harmless'
  | 'malware'
  /** Malware that only newer signatures find. */
  | 'late'
  | 'encrypted';

export interface Sample {
  readonly kind: Kind;
  readonly bytes: string;
  readonly sha256: Sha256;
}

function sample(kind: Kind, bytes: string): Sample {
  const sha256 = parseSha256(createHash('sha256').update(bytes).digest('hex'));
  if (!sha256) throw new Error('no digest');
  return { kind, bytes, sha256 };
}

/** Few, so that everything happens to the same ones. */
export const SAMPLES: readonly Sample[] = [
  sample('late', 'what only newer signatures find'),
  sample('harmless', 'a letter'),
  sample('malware', 'what all signatures find'),
  sample('encrypted', 'what nobody can look into'),
];

export type Engine =
  /** Scanned with signatures of different days. */
  | 'older'
  | 'newer'
  /** Not fit to scan anything. */
  | 'down'
  /** It dies of every file. */
  | 'breaking';

/** ClamAV, as far as the rest of the service can tell. */
export function engine(which: Engine): Clamd {
  return {
    ping: async () => undefined,
    version: async () => {
      if (which === 'down') throw new ScanFault('unfit', 'its signatures are too old');
      return { engine: '1.4.3', database: which === 'newer' ? 2 : 1 };
    },
    scan: async (source) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of source) pieces.push(Uint8Array.from(piece));
      if (which === 'breaking') throw new ScanFault('unreachable', 'it went away');
      return verdictOf(Buffer.concat(pieces).toString(), which);
    },
  };
}

function verdictOf(bytes: string, which: Engine): Verdict {
  const found = SAMPLES.find((sample) => sample.bytes === bytes);
  if (!found) throw new Error('nobody uploaded these bytes');
  switch (found.kind) {
    case 'harmless':
      return { kind: 'clean' };
    case 'malware':
      return { kind: 'infected', signature: 'Win.Old' };
    case 'late':
      return which === 'newer' ? { kind: 'infected', signature: 'Win.New' } : { kind: 'clean' };
    case 'encrypted':
      return { kind: 'unscannable', reason: 'encrypted' };
  }
}
