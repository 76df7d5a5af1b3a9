import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { notFound } from '../api-error.ts';
import type { Target } from '../operation.ts';
import { ContentFolder } from './content-folder.ts';
import { Journal } from './journal.ts';
import { isDue } from './lifecycle.ts';
import type { MutationLimit } from './mutation-limit.ts';
import { checkPreconditions, type Preconditions } from './preconditions.ts';
import { checkReplaceable, isKept } from './retention.ts';
import { type BucketState, type Change, type Notice, State } from './state.ts';
import type { Settable, StoredContent, StoredObject } from './stored-object.ts';

/** An object about to be made. */
export interface Draft {
  readonly bucket: string;
  readonly name: string;
  readonly settable: Settable;
  readonly preconditions: Preconditions;
}

/** Milliseconds of a week: https://cloud.google.com/storage/docs/resumable-uploads#session-uris. */
const SESSION_LIFE = 7 * 24 * 3600 * 1000;

interface StoreOptions {
  readonly folder: string;
  readonly md5: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How many subscribers are told of each finalization in a bucket. */
  readonly subscribers: (bucket: string) => number;
  readonly onNotice: (notice: Notice) => void;
  readonly mutationLimit: MutationLimit;
}

/** The durable state and the bytes. Every change is in the journal before it is in memory. */
export class Store {
  readonly contents: ContentFolder;
  readonly state: State;
  readonly now: () => number;
  readonly #journal: Journal<Change>;
  readonly #options: StoreOptions;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.now = options.now;
    mkdirSync(options.folder, { recursive: true });
    this.contents = new ContentFolder(join(options.folder, 'contents'), options.md5);
    this.state = new State(this.contents);
    this.#journal = new Journal(options.folder);
    let lines = 0;
    for (const change of this.#journal.replay()) {
      this.state.apply(change);
      lines += 1;
    }
    for (const [id, session] of this.state.sessions) {
      if (session.state !== 'open' || session.start.started > this.now() - SESSION_LIFE) continue;
      const { bucket, name } = session.start;
      this.commit({ sessionEnded: { state: 'cancelled', bucket, name }, id });
    }
    this.contents.endReplay();
    if (lines > 0) this.#journal.rewrite(this.state.changes());
  }

  commit(change: Change): void {
    this.#journal.append(change);
    this.state.apply(change);
  }

  /** @throws ApiError 404 */
  bucket(name: string): BucketState {
    const bucket = this.state.buckets.get(name);
    if (bucket === undefined) throw notFound('The specified bucket does not exist.');
    return bucket;
  }

  find(bucket: string, name: string): StoredObject | undefined {
    return this.bucket(bucket).objects.get(name);
  }

  /** @throws ApiError 404, also when the live generation is another */
  object(bucket: string, name: string, generation?: number): StoredObject {
    const object = this.find(bucket, name);
    if (object === undefined || (generation !== undefined && object.generation !== generation)) {
      throw notFound(`No such object: ${bucket}/${name}`);
    }
    return object;
  }

  /** @throws ApiError 429 */
  checkMutable(target: Target): void {
    this.#options.mutationLimit.check(target);
  }

  /** Whether the object could be made now or later, by a session. @throws ApiError 404 | 412 | 403 */
  checkDraft(draft: Draft): void {
    const { bucket, objects } = this.bucket(draft.bucket);
    const live = objects.get(draft.name);
    checkPreconditions(draft.preconditions, live, 'write');
    if (live !== undefined) checkReplaceable(bucket, live, this.now());
  }

  /** Makes the object and the notices of it, in one step. @throws ApiError 404 | 412 | 403 | 429 */
  finalize(draft: Draft, content: StoredContent, session?: string): StoredObject {
    this.checkMutable(draft);
    this.checkDraft(draft);
    const now = this.now();
    const { bucket, name, settable } = draft;
    const generation = Math.max(this.state.lastGeneration + 1, now * 1000);
    const object: StoredObject = {
      bucket,
      name,
      generation,
      metageneration: 1,
      timeCreated: now,
      updated: now,
      settable,
      ...content,
    };
    const subscribers = this.#options.subscribers(bucket);
    this.#options.mutationLimit.record(object);
    this.commit({
      object,
      ...(session !== undefined && { session }),
      ...(subscribers > 0 && { subscribers }),
    });
    for (let subscriber = 0; subscriber < subscribers; subscriber += 1) {
      const notice = this.state.notices.get(`${generation}-${subscriber}`);
      if (notice !== undefined) this.#options.onNotice(notice);
    }
    return object;
  }

  /** Another metageneration of the same content; a release of an event-based hold starts the retention. @throws ApiError 429 */
  changeMetadata(object: StoredObject, settable: Settable): StoredObject {
    this.checkMutable(object);
    const now = this.now();
    // Its second begins at the time that it says, however long it takes to keep it.
    this.#options.mutationLimit.record(object);
    const released = object.settable.eventBasedHold === true && settable.eventBasedHold !== true;
    const changed: StoredObject = {
      ...object,
      metageneration: object.metageneration + 1,
      updated: now,
      settable,
      ...(released && { holdReleased: now }),
    };
    this.commit({ object: changed });
    return changed;
  }

  /** @throws ApiError 403 | 429 */
  delete(object: StoredObject): void {
    this.checkMutable(object);
    checkReplaceable(this.bucket(object.bucket).bucket, object, this.now());
    this.commit({ objectDeleted: { bucket: object.bucket, name: object.name } });
    this.#options.mutationLimit.record(object);
  }

  /**
   * Deletes what the lifecycle rules of the buckets say, but for what a hold or a retention policy keeps.
   * @returns how many objects
   */
  applyLifecycle(): number {
    const now = this.now();
    const due = [...this.state.buckets.values()].flatMap(({ bucket, objects }) =>
      [...objects.values()].filter((object) => isDue(bucket, object, now) && !isKept(bucket, object, now)),
    );
    for (const { bucket, name } of due) this.commit({ objectDeleted: { bucket, name } });
    return due.length;
  }

  async close(): Promise<void> {
    await this.contents.close();
    this.#journal.close();
  }
}
