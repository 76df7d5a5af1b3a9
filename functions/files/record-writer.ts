import type { FileId } from '../../shared/files/file-id.ts';
import type { FileRecord } from '../../shared/files/record.ts';
import type { Records, Versioned } from '../../shared/files/records.ts';
import { Problem } from '../../shared/http/problems.ts';
import { StorageError } from '../../shared/storage/error.ts';
import { type RetryPolicy, retrying } from '../../shared/storage/retry.ts';

/**
 * The new record, given the current one: the very same record if nothing is to change. Called again
 * where somebody else wrote meanwhile, and where it was written but the answer got lost: twice must be as once. Its
 * error is the answer to the request for the change.
 */
type Change = (current: Versioned) => FileRecord | Promise<FileRecord>;

interface ChangeOptions {
  /**
   * Whether the change must see exactly the version that it replaces, and so shares its write with no other: it
   * compares versions, or what it looks at must not have moved on.
   */
  readonly alone?: boolean;
  /** Awaited after the record was read and before it is written, each time it is tried: of all changes at once. */
  readonly prepare?: (current: Versioned) => Promise<void>;
}

interface Waiting {
  readonly change: Change;
  readonly prepare: ((current: Versioned) => Promise<void>) | undefined;
  readonly alone: boolean;
  readonly resolve: (written: Versioned) => void;
  readonly reject: (error: unknown) => void;
}

/** Cloud Storage takes about one write a second to a name: those of other instances are waited for. */
const PATIENCE: RetryPolicy = { attempts: 30, baseMs: 100, maxMs: 2_000, totalMs: 30_000 };

/**
 * Changes records by compare-and-swap, so that none is lost however many come at once. Those of one file queue up
 * in this process, and what gathers behind a write goes into the next one together: fifty grants are a few writes
 * and not fifty in a race. Between processes the metageneration decides, and the loser reads again.
 */
export class RecordWriter {
  readonly #records: Records;
  readonly #patience: RetryPolicy;
  readonly #queues = new Map<FileId, Waiting[]>();

  constructor(records: Records, patience: RetryPolicy = PATIENCE) {
    this.#records = records;
    this.#patience = patience;
  }

  /**
   * @returns the record as it stands with the change
   * @throws what `change` throws, {Problem} 404 where there is no record any more, {StorageError}, {CorruptRecord}
   */
  change(id: FileId, change: Change, { alone = false, prepare }: ChangeOptions = {}): Promise<Versioned> {
    return new Promise((resolve, reject) => {
      const waiting = { change, prepare, alone, resolve, reject };
      const queue = this.#queues.get(id);
      if (queue) {
        queue.push(waiting);
        return;
      }
      const started = [waiting];
      this.#queues.set(id, started);
      void this.#work(id, started);
    });
  }

  async #work(id: FileId, queue: Waiting[]): Promise<void> {
    while (queue.length > 0) await this.#carryOut(id, takeBatch(queue));
    this.#queues.delete(id);
  }

  async #carryOut(id: FileId, batch: readonly Waiting[]): Promise<void> {
    try {
      const { written, refusals } = await retrying(this.#patience, undefined, () => this.#attempt(id, batch));
      for (const waiting of batch) {
        const refusal = refusals.get(waiting);
        if (refusal) waiting.reject(refusal.error);
        else waiting.resolve(written);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  async #attempt(id: FileId, batch: readonly Waiting[]) {
    const current = await this.#records.get(id);
    // Purged since the caller found it.
    if (!current) throw new Problem('not-found');
    await Promise.all(batch.map(({ prepare }) => prepare?.(current)));
    const refusals = new Map<Waiting, { error: unknown }>();
    let { record } = current;
    for (const waiting of batch) {
      try {
        record = await waiting.change({ record, object: current.object });
      } catch (error) {
        refusals.set(waiting, { error });
      }
    }
    const written = record === current.record ? current : await this.#records.replace(current, record);
    if (written) return { written, refusals };
    throw new StorageError('objects.patch', {
      status: 0,
      reason: 'contention',
      message: 'it keeps changing',
    });
  }
}

/** The first in the queue, and with it those that may share its write. */
function takeBatch(queue: Waiting[]): Waiting[] {
  const end = queue.findIndex(({ alone }) => alone);
  return queue.splice(0, end < 0 ? queue.length : Math.max(1, end));
}
