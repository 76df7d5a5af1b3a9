import { BlobMismatch } from '../../shared/files/blob.ts';
import type { PendingRecord } from '../../shared/files/record.ts';
import type { Records, Versioned } from '../../shared/files/records.ts';
import { EitherSignal } from '../../shared/runtime/abort.ts';
import type { Outcome } from './outcome.ts';

export interface LeaseTerms {
  /** Bytes: for smaller files, the scan costs less than the writes of a lease. */
  readonly aboveBytes: number;
  /** Duration of a lease in milliseconds; it is renewed after a third of that. */
  readonly durationMs: number;
  /** Identifies this process; a restarted process has a new one. */
  readonly holder: string;
  readonly now: () => Date;
}

interface LeaseDeps {
  readonly records: Records;
  readonly lease: LeaseTerms;
}

export interface Held {
  /** Stops renewing, and returns the record as last written: the version that the verdict replaces. */
  readonly stopRenewing: () => Promise<Versioned<PendingRecord>>;
  /** Records that the scan has begun, if the file was redriven: the redrive counts from then on. */
  readonly begun: () => Promise<void>;
  /** Aborts when the lease is lost. */
  readonly signal: AbortSignal;
}

type Result = Outcome | 'conflict';

/**
 * Runs a scan; for a large file, under a lease in its verdict, so that a second delivery of the event backs off instead
 * of scanning again. The lease only avoids work: the verdict is written by compare-and-swap, whichever process holds
 * it.
 */
export async function underLease(
  { records, lease: terms }: LeaseDeps,
  found: Versioned<PendingRecord>,
  size: number,
  signal: AbortSignal,
  work: (held: Held) => Promise<Result>,
): Promise<Result> {
  const { lease } = found.record;
  const left = lease && lease.holder !== terms.holder ? lease.until.getTime() - terms.now().getTime() : 0;
  if (left > 0) {
    return { kind: 'later', why: 'another instance scans it', retryAfterSeconds: Math.ceil(left / 1000) };
  }
  const isLong = size >= terms.aboveBytes;
  const taken = isLong ? await take(records, terms, found) : found;
  if (!taken) return 'conflict';

  using lost = new EitherSignal(signal);
  let current: Versioned<PendingRecord> = taken;
  let writing: Promise<void> = Promise.resolve();
  /** Sequential: each needs the version that the previous one wrote. */
  const inTurn = (write: () => Promise<void>): Promise<void> => {
    const turn = writing.then(write);
    writing = turn.catch(() => undefined);
    return turn;
  };
  const renew = async (): Promise<void> => {
    const renewed = await take(records, terms, current);
    if (renewed) current = renewed;
    else lost.abort(new Error('the lease was lost'));
  };
  const begun = () =>
    inTurn(async () => {
      current = await markTried(records, current);
    });
  // If a renewal fails, the lease expires; the scan continues, and its verdict is checked anyway.
  const timer = isLong && setInterval(() => void inTurn(renew).catch(() => undefined), terms.durationMs / 3);
  const stop = async (): Promise<void> => {
    if (timer) clearInterval(timer);
    await writing;
  };
  let isScanned = false;
  const stopRenewing = async (): Promise<Versioned<PendingRecord>> => {
    isScanned = true;
    await stop();
    return current;
  };
  const release = async (isInnocent: boolean): Promise<void> => {
    await stop();
    const { lease: held, ...pending } = isInnocent ? untried(current.record) : current.record;
    const isChanged = held !== undefined || pending.redriven?.tried !== current.record.redriven?.tried;
    // Best effort: a lease that stays expires, and at worst one redrive counts that should not.
    if (isChanged) await records.judge(current, pending).catch(() => undefined);
  };
  try {
    const result = await work({ stopRenewing, begun, signal: lost.signal });
    if (typeof result === 'object' && result.kind === 'later') await release(false);
    return result;
  } catch (error) {
    // A verdict that could not be carried out, because Cloud Storage or Pub/Sub did not answer or a grant is missing, is an outage:
    // the file is not to blame, and such a redrive does not count.
    await release(isScanned && !(error instanceof BlobMismatch));
    throw error;
  } finally {
    if (timer) clearInterval(timer);
  }
}

function untried(record: PendingRecord): PendingRecord {
  if (!record.redriven) return record;
  const { tried: _, ...redriven } = record.redriven;
  return { ...record, redriven };
}

/** @returns the record as it stands; `read` where another takes part in its scan, which the next write finds out */
async function markTried(
  records: Records,
  current: Versioned<PendingRecord>,
): Promise<Versioned<PendingRecord>> {
  const { redriven } = current.record;
  if (!redriven || redriven.tried) return current;
  return (
    (await records.judge(current, { ...current.record, redriven: { ...redriven, tried: true } })) ?? current
  );
}

/** Takes a lease, or renews it. */
function take(records: Records, terms: LeaseTerms, current: Versioned<PendingRecord>) {
  const until = new Date(terms.now().getTime() + terms.durationMs);
  return records.judge(current, { ...current.record, lease: { holder: terms.holder, until } });
}
