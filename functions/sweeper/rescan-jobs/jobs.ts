import { randomUUID } from 'node:crypto';
import { count, group, oneOf, parseTime, text, time } from '../../../shared/files/fields.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { deleteUnlessHeld } from '../../../shared/storage/delete-unless-held.ts';
import type { StoredObject } from '../../../shared/storage/object.ts';
import { allObjects } from '../../../shared/storage/page.ts';
import { Cursor } from '../cursor.ts';
import type { Places } from '../ranges.ts';
import { CRITERIA, type Criteria } from './order.ts';

const PREFIX = 'sweeper/rescans/';
const ORDER = '/order';
const PROGRESS = '/progress';

/** An operator's wish about a job. */
export type Wish = (typeof WISHES)[number];
const WISHES = ['run', 'pause', 'cancel'] as const;

/** The order of a job, as an operator gave it. */
export interface Ordered extends Criteria {
  readonly at: Date;
  /** Email of the operator. */
  readonly by: string;
  readonly wish: Wish;
}

const ordered = group<Ordered>({
  at: time('at'),
  by: text('by'),
  wish: oneOf('wish', WISHES),
  ...CRITERIA,
});

/** How far the walk of a job has come. */
interface Progress {
  /** Contents that were sent to the rescanner, and bytes of them. */
  readonly files: number;
  readonly bytes: number;
  /** Contents that were passed over. */
  readonly passed: number;
}

const PROGRESS_FIELDS = group<Progress>({
  files: count('files'),
  bytes: count('bytes'),
  passed: count('passed'),
});
const NOTHING: Progress = { files: 0, bytes: 0, passed: 0 };

export interface Job {
  readonly name: string;
  readonly order: Ordered;
  readonly object: StoredObject;
  readonly progress: Progress;
  /** Where its walk goes on, by range. */
  readonly places: Places;
  readonly completedAt: Date | undefined;
}

/**
 * Re-scans that operators have ordered, as two zero-byte objects each: `order`, which the routes of operators write, and `progress`, which
 * the walk writes. A name stands for one order: to order it again changes nothing.
 */
export class RescanJobs {
  readonly #bucket: Bucket;

  constructor(permanent: Bucket) {
    this.#bucket = permanent;
  }

  /** @returns the job of that name, which may have been there @throws {StorageError} */
  async add(name: string, order: Ordered): Promise<Job> {
    for (;;) {
      const known = await this.get(name);
      if (known) return known;
      // Two operators may order the same at the same time: a try again must not take the other's write for its own.
      const metadata = { ...ordered.write(order), write: randomUUID() };
      const object = await this.#bucket.insertEmpty(PREFIX + name + ORDER, { metadata });
      if (object) return { name, order, object, progress: NOTHING, places: {}, completedAt: undefined };
    }
  }

  /** @throws {StorageError} */
  async get(name: string): Promise<Job | undefined> {
    const [object, progress] = await Promise.all([
      this.#bucket.stat(PREFIX + name + ORDER),
      this.#bucket.stat(PREFIX + name + PROGRESS),
    ]);
    return object && parse(name, object, progress);
  }

  /** All, the oldest order first. @throws {StorageError} */
  async all(): Promise<readonly Job[]> {
    const objects = new Map<string, StoredObject>();
    for await (const object of allObjects(this.#bucket, { prefix: PREFIX })) objects.set(object.name, object);
    const jobs = [...objects.values()].flatMap((object) => {
      if (!object.name.endsWith(ORDER)) return [];
      const name = object.name.slice(PREFIX.length, -ORDER.length);
      return parse(name, object, objects.get(PREFIX + name + PROGRESS)) ?? [];
    });
    return jobs.sort((one, other) => one.order.at.getTime() - other.order.at.getTime());
  }

  /** @returns false where somebody else wrote it meanwhile: read it again @throws {StorageError} */
  async wish({ object }: Job, wish: Wish): Promise<boolean> {
    return (await this.#bucket.patch(object.name, object, { wish, write: randomUUID() })) !== undefined;
  }

  /** The progress, to be moved by one walk. @throws {StorageError} */
  cursor({ name }: Job): Promise<Cursor> {
    return Cursor.open(this.#bucket, PREFIX + name + PROGRESS);
  }

  /**
   * Deletes a job that is over: its order first, so that no order is left that would seem to be new.
   * @throws {StorageError}
   */
  async remove({ name, object }: Job): Promise<void> {
    if ((await deleteUnlessHeld(this.#bucket, object)) !== 'deleted') return;
    const progress = await this.#bucket.stat(PREFIX + name + PROGRESS);
    if (progress) await deleteUnlessHeld(this.#bucket, progress);
  }
}

/** The metadata that keeps the progress of a job, for {@link Cursor.save}. */
export function progressOf(job: Job, progress: Progress): Record<string, string> {
  // A job of the same name may have been there before.
  return { ...PROGRESS_FIELDS.write(progress), order: job.object.generation };
}

function parse(name: string, object: StoredObject, written: StoredObject | undefined): Job | undefined {
  const none = () => undefined;
  const order = ordered.read(object.metadata, none);
  if (!order) return undefined;
  const own = written?.metadata['order'] === object.generation ? written.metadata : {};
  return {
    name,
    order,
    object,
    progress: PROGRESS_FIELDS.read(own, none) ?? NOTHING,
    places: own,
    completedAt: parseTime(own['completedAt'] ?? ''),
  };
}
