import { setTimeout as delay } from 'node:timers/promises';
import type { FileRecord } from '../files/record.ts';
import type { Records } from '../files/records.ts';
import { Problem } from '../http/problems.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/**
 * The record once it is decided one way or the other, or as it is after `waitSeconds`. It is read again and again, with
 * growing pauses: a read costs a tenth of what a notification to every instance would, and holds no state.
 * @throws {StorageError}; {Problem} 404 where there is no record any more; an AbortError when the signal aborts
 */
export async function waitForVerdict(
  records: Records,
  record: FileRecord,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<FileRecord> {
  const end = performance.now() + waitSeconds * 1000;
  let current = record;
  for (
    let pause = FIRST_PAUSE_MS;
    current.state === 'pending' || current.state === 'uploading';
    pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)
  ) {
    const left = end - performance.now();
    if (left <= 0) break;
    await delay(Math.min(pause, left), undefined, { signal });
    const found = await records.get(current.id, signal);
    if (!found) throw new Problem('not-found');
    current = found.record;
  }
  return current;
}
