import type { Publish } from '../../shared/events/cloud-event.ts';
import type { FileId } from '../../shared/files/file-id.ts';
import type { ReadableRecord } from '../../shared/files/readable.ts';
import type { Receipts } from '../../shared/files/receipts.ts';
import { unavailable } from '../../shared/http/problems.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import { fileDownloaded } from './file-downloaded.ts';

/** Number of receipts of some 200 bytes each. One that is dropped is looked for again. */
const MOST_KNOWN = 10_000;
/** Milliseconds: longer than the reads of a download take with their retries, and than clocks differ. */
const SETTLED_AFTER_MS = 300_000;

/** `recent`: it may have been written after the download had begun. */
type Age = 'settled' | 'recent';

/** The receipt of a download that has begun. */
export interface PendingReceipt {
  /** Resolves once the receipt is there. @throws {Problem} 503 where it cannot be written */
  written(): Promise<Age>;
}

interface ReceiptWriterDeps {
  readonly receipts: Pick<Receipts, 'writtenAt' | 'add'>;
  readonly publish: Publish;
  readonly now: () => Date;
}

/**
 * Leaves a receipt of the first download of a file by each principal. Remembers those that are there, so that the
 * further ranges of a download ask for none.
 */
export class ReceiptWriter {
  readonly #deps: ReceiptWriterDeps;
  readonly #known = new Set<string>();
  readonly #writing = new Map<string, Promise<void>>();

  constructor(deps: ReceiptWriterDeps) {
    this.#deps = deps;
  }

  /** Looks for the receipt at once, and writes none before it is asked for: the download may still be refused. */
  begin(record: ReadableRecord, reader: Principal, signal: AbortSignal): PendingReceipt {
    const looking = this.#find(record.id, reader, signal);
    // A failure is met by `written`; without this it would be unhandled until then.
    looking.catch(() => undefined);
    const written = async (): Promise<Age> => {
      try {
        const age = await looking;
        if (!age) await this.#ensure(record, reader);
        return age ?? 'recent';
      } catch (cause) {
        throw unavailable('No receipt of the download can be written. Try again.', 5, cause);
      }
    };
    return { written };
  }

  async #find(id: FileId, reader: Principal, signal: AbortSignal): Promise<Age | undefined> {
    const key = keyOf(id, reader);
    if (this.#known.has(key)) return 'settled';
    const { receipts, now } = this.#deps;
    const writtenAt = await receipts.writtenAt(id, reader, signal);
    if (!writtenAt) return undefined;
    this.#remember(key);
    return now().getTime() - writtenAt.getTime() > SETTLED_AFTER_MS ? 'settled' : 'recent';
  }

  /** Requests of one reader share one write. */
  async #ensure(record: ReadableRecord, reader: Principal): Promise<void> {
    const key = keyOf(record.id, reader);
    if (this.#known.has(key)) return;
    const writing =
      this.#writing.get(key) ?? this.#write(record, reader).finally(() => this.#writing.delete(key));
    this.#writing.set(key, writing);
    await writing;
    this.#remember(key);
  }

  /** The event first: a crash between the two publishes it again, by the same id. */
  async #write(record: ReadableRecord, reader: Principal): Promise<void> {
    const { receipts, publish, now } = this.#deps;
    const receipt = { principal: reader, at: now().toISOString() };
    // Owners know that they have the file.
    if (reader !== record.owner) await publish(fileDownloaded(record, receipt));
    await receipts.add(record.id, receipt);
  }

  #remember(key: string): void {
    this.#known.add(key);
    const [oldest] = this.#known;
    if (this.#known.size > MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}

function keyOf(id: FileId, reader: Principal): string {
  return `${id} ${reader}`;
}
