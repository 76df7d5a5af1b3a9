import type { ContentFolder } from './content-folder.ts';
import { NameIndex } from './name-index.ts';
import type { Preconditions } from './preconditions.ts';
import type { Settable, StoredBucket, StoredObject } from './stored-object.ts';

/** The initial parameters of a resumable upload. */
export interface SessionStart {
  /** Secret: anyone who knows it may upload. */
  readonly id: string;
  readonly bucket: string;
  readonly name: string;
  /** Data file that the chunks go to. */
  readonly content: string;
  readonly settable: Settable;
  readonly preconditions: Preconditions;
  readonly expected: ExpectedContent;
  /** The `Origin` of the request that opened it, if it had one: the pages that may use it. */
  readonly origin?: string;
  /** Milliseconds since 1970. */
  readonly started: number;
}

/** The content type that the client declares. Checksums are base64. */
export interface ExpectedContent {
  readonly size?: number;
  readonly crc32c?: string;
  readonly md5Hash?: string;
}

export type Session =
  | { readonly state: 'open'; readonly start: SessionStart }
  | { readonly state: 'completed'; readonly object: StoredObject; readonly origin?: string }
  | { readonly state: 'cancelled'; readonly bucket: string; readonly name: string };

/** A finalization that a subscriber has yet to acknowledge. */
export interface Notice {
  /** The same in every attempt; it becomes `ce-id`. */
  readonly id: string;
  /** Which of the bucket's subscribers. */
  readonly subscriber: number;
  readonly object: StoredObject;
}

/** One line of the journal: a change of the state, whole or not at all. */
export type Change =
  | { readonly bucket: StoredBucket }
  | { readonly bucketDeleted: string }
  | { readonly object: StoredObject; readonly session?: string; readonly subscribers?: number }
  | { readonly objectDeleted: { readonly bucket: string; readonly name: string } }
  | { readonly sessionStarted: SessionStart }
  | { readonly sessionEnded: Session; readonly id: string }
  | { readonly notice: Notice }
  | { readonly delivered: string }
  | { readonly generation: number };

export interface BucketState {
  readonly bucket: StoredBucket;
  readonly objects: Map<string, StoredObject>;
  readonly names: NameIndex;
}

/** Sessions that ended are remembered for clients that ask again, but not without bound. */
const ENDED_SESSIONS = 10_000;

/** Everything but the bytes. It changes only by `apply`, while running as in replay. */
export class State {
  readonly buckets = new Map<string, BucketState>();
  readonly sessions = new Map<string, Session>();
  readonly notices = new Map<string, Notice>();
  readonly #endedSessions: string[] = [];
  readonly #contents: ContentFolder;
  lastGeneration = 0;

  constructor(contents: ContentFolder) {
    this.#contents = contents;
  }

  apply(change: Change): void {
    if ('object' in change) this.#finalize(change.object, change.session, change.subscribers ?? 0);
    else if ('delivered' in change) this.notices.delete(change.delivered);
    else if ('objectDeleted' in change) this.#delete(change.objectDeleted.bucket, change.objectDeleted.name);
    else if ('sessionStarted' in change) this.#start(change.sessionStarted);
    else if ('sessionEnded' in change) this.#end(change.id, change.sessionEnded);
    else if ('notice' in change) this.notices.set(change.notice.id, change.notice);
    else if ('bucket' in change) this.#configure(change.bucket);
    else if ('generation' in change) this.lastGeneration = change.generation;
    else this.buckets.delete(change.bucketDeleted);
  }

  /** The shortest journal that leads to this state. */
  *changes(): Generator<Change, void> {
    for (const { bucket, objects } of this.buckets.values()) {
      yield { bucket };
      for (const object of objects.values()) yield { object };
    }
    for (const [id, session] of this.sessions) {
      yield session.state === 'open' ? { sessionStarted: session.start } : { sessionEnded: session, id };
    }
    for (const notice of this.notices.values()) yield { notice };
    // The newest object may be deleted by now, and its generation must never come again.
    yield { generation: this.lastGeneration };
  }

  #configure(bucket: StoredBucket): void {
    const existing = this.buckets.get(bucket.name);
    const { objects, names } = existing ?? {
      objects: new Map<string, StoredObject>(),
      names: new NameIndex(),
    };
    this.buckets.set(bucket.name, { bucket, objects, names });
  }

  #finalize(object: StoredObject, session: string | undefined, subscribers: number): void {
    const holder = this.buckets.get(object.bucket);
    if (holder === undefined) throw new Error(`no bucket ${object.bucket} for ${object.name}`);
    this.lastGeneration = Math.max(this.lastGeneration, object.generation);
    this.#contents.hold(object.content);
    const replaced = holder.objects.get(object.name);
    holder.objects.set(object.name, object);
    if (replaced === undefined) holder.names.add(object.name);
    else this.#contents.release(replaced.content);
    if (session !== undefined) {
      const known = this.sessions.get(session);
      const origin = known?.state === 'open' ? known.start.origin : undefined;
      this.#end(session, { state: 'completed', object, ...(origin !== undefined && { origin }) });
    }
    for (let subscriber = 0; subscriber < subscribers; subscriber += 1) {
      const id = `${object.generation}-${subscriber}`;
      this.notices.set(id, { id, subscriber, object });
    }
  }

  #delete(bucket: string, name: string): void {
    const holder = this.buckets.get(bucket);
    this.#contents.release(holder?.objects.get(name)?.content);
    holder?.objects.delete(name);
    holder?.names.delete(name);
  }

  #start(start: SessionStart): void {
    this.#contents.hold(start.content);
    this.sessions.set(start.id, { state: 'open', start });
  }

  #end(id: string, ended: Session): void {
    const session = this.sessions.get(id);
    if (session?.state === 'open') this.#contents.release(session.start.content);
    this.sessions.set(id, ended);
    this.#endedSessions.push(id);
    if (this.#endedSessions.length > ENDED_SESSIONS) this.sessions.delete(this.#endedSessions.shift() ?? '');
  }
}
