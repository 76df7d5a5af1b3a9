import { BlobMismatch } from '../../shared/files/blob.ts';
import type { PendingRecord } from '../../shared/files/record.ts';
import type { Records, Versioned } from '../../shared/files/records.ts';
import { EitherSignal } from '../../shared/runtime/abort.ts';
import type { Outcome } from './scan.ts';

export interface LeaseTerms {
  /** Bytes: smaller files are scanned sooner than a lease would pay for its writes. */
  readonly aboveBytes: number;
  /** Milliseconds a lease is good for; it is renewed after a third of that. */
  readonly durationMs: number;
  /** This process: after a crash it is another. */
  readonly holder: string;
  readonly now: () => Date;
}

export interface Held {
  /** Ends the renewing, and says how the record was written last: the version to write the verdict over. */
  readonly settle: () => Promise<Versioned<PendingRecord>>;
  /** Writes that the scan of the bytes begins, where the file was redriven: a redrive counts from then on. */
  readonly begun: () => Promise<void>;
  /** Aborts when the lease is lost. */
  readonly signal: AbortSignal;
}

type Result = Outcome | 'lostRace';

/**
 * Runs a scan, for a large file under a lease in its verdict: a second delivery of the event then backs off
 * instead of scanning again. A lease makes work rarer, never wrong: the verdict is written by compare-and-swap
 * whoever holds one.
 */
export async function underLease(
  records: Records,
  terms: LeaseTerms,
  read: Versioned<PendingRecord>,
  size: number,
  signal: AbortSignal,
  work: (held: Held) => Promise<Result>,
): Promise<Result> {
  const { lease } = read.record;
  const left = lease && lease.holder !== terms.holder ? lease.until.getTime() - terms.now().getTime() : 0;
  if (left > 0) {
    return { kind: 'later', why: 'another instance scans it', retryAfterSeconds: Math.ceil(left / 1000) };
  }
  if (size < terms.aboveBytes) return withoutLease(records, read, signal, work);
  const taken = await write(records, terms, read);
  if (!taken) return 'lostRace';

  using lost = new EitherSignal(signal);
  let current: Versioned<PendingRecord> = taken;
  let renewing: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    renewing = renewing.then(async () => {
      const renewed = await write(records, terms, current);
      if (renewed) current = renewed;
      else lost.abort(new Error('the lease was lost'));
    });
    // A renewal that fails leaves the lease to run out; the scan goes on and its verdict is checked anyway.
    renewing = renewing.catch(() => undefined);
  }, terms.durationMs / 3);
  const settle = async (): Promise<Versioned<PendingRecord>> => {
    clearInterval(timer);
    await renewing;
    return current;
  };
  const begun = async (): Promise<void> => {
    const marking = renewing.then(async () => {
      current = await markTried(records, current);
    });
    renewing = marking.catch(() => undefined);
    await marking;
  };
  const release = async (innocent: boolean): Promise<void> => {
    const { record } = await settle();
    const { lease: _, ...pending } = innocent ? untried(record) : record;
    // Best effort: a lease that stays runs out by itself.
    await records.judge(current, pending).catch(() => undefined);
  };
  let scanned = false;
  const scanOver = () => {
    scanned = true;
    return settle();
  };
  try {
    const result = await work({ settle: scanOver, begun, signal: lost.signal });
    if (typeof result === 'object' && result.kind === 'later') await release(false);
    return result;
  } catch (error) {
    await release(scanned && !isFilesFault(error));
    throw error;
  } finally {
    clearInterval(timer);
  }
}

async function withoutLease(
  records: Records,
  read: Versioned<PendingRecord>,
  signal: AbortSignal,
  work: (held: Held) => Promise<Result>,
): Promise<Result> {
  let current = read;
  let scanned = false;
  const begun = async (): Promise<void> => {
    current = await markTried(records, current);
  };
  const settle = async () => {
    scanned = true;
    return current;
  };
  try {
    return await work({ settle, begun, signal });
  } catch (error) {
    // Best effort: at worst one redrive counts that should not.
    if (scanned && current.record.redriven?.tried && !isFilesFault(error))
      await records.judge(current, untried(current.record)).catch(() => undefined);
    throw error;
  }
}

/**
 * Whether the file is to blame for an error after its scan. A verdict that could not be carried out, because Cloud
 * Storage or Pub/Sub did not answer or a grant is missing, is an outage: such a redrive does not count.
 */
function isFilesFault(error: unknown): boolean {
  return error instanceof BlobMismatch;
}

function untried(record: PendingRecord): PendingRecord {
  if (!record.redriven) return record;
  const { tried: _, ...redriven } = record.redriven;
  return { ...record, redriven };
}

/** @returns the record as it stands; `read` where another takes part in its scan, which the next write finds out */
async function markTried(
  records: Records,
  read: Versioned<PendingRecord>,
): Promise<Versioned<PendingRecord>> {
  const { redriven } = read.record;
  if (!redriven || redriven.tried) return read;
  return (await records.judge(read, { ...read.record, redriven: { ...redriven, tried: true } })) ?? read;
}

function write(records: Records, terms: LeaseTerms, read: Versioned<PendingRecord>) {
  const until = new Date(terms.now().getTime() + terms.durationMs);
  return records.judge(read, { ...read.record, lease: { holder: terms.holder, until } });
}
