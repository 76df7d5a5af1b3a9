import type { Blob, CondemnedBlob } from '../../shared/files/blob.ts';
import type { StandingFinding } from '../../shared/files/finding.ts';
import { defined } from '../../shared/runtime/defined.ts';
import type { Generation } from '../../shared/storage/object.ts';
import type { Decision } from './decision.ts';

/** Facts about a content that are known before its bytes are read. */
export interface Known {
  readonly blob: Blob | CondemnedBlob | undefined;
  readonly finding: StandingFinding | undefined;
}

export async function known(
  ...looks: readonly [Promise<Known['blob']>, Promise<Known['finding']>]
): Promise<Known> {
  const [blob, finding] = await Promise.all(looks);
  return { blob, finding };
}

/** The verdict of the scan that found it; of an operator who wrote it by hand, no engine was asked. */
export function foundBefore(
  known: StandingFinding | CondemnedBlob,
  generation: Generation,
  now: Date,
): Pick<Decision, 'verdict' | 'scan' | 'finding'> {
  const { signature } = known;
  const scan = 'finding' in known ? known.finding : undefined;
  return {
    verdict: { kind: 'infected', signature },
    scan: {
      generation,
      scannedAt: scan?.scannedAt ?? now,
      reusedAt: now,
      ...defined({ engine: scan?.engine }),
    },
    ...('announced' in known && { finding: known }),
  };
}
