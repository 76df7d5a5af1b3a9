import type { Handle, State } from '../../../../client/src/index.ts';
import type { Session } from './session.ts';
import { type FileWatcher, TrackedFile } from './tracked-file.ts';
import { shortened } from './words.ts';

/** Files that the service returns at a time, and that the page shows at a time. */
export const PAGE = 50;
/** Most files that the service returns at a time: for a search among many. */
const LARGE_PAGE = 1000;

export interface Selection {
  /** Files of the principal, or those of others that they may see. */
  readonly tab: 'mine' | 'shared';
  /** Empty: in any state but deleted and expired. */
  readonly state: State | '';
}

/** The files of one selection that one principal sees, newest first, as far as they were loaded. */
export class Listing {
  readonly files: TrackedFile[] = [];
  /** There is no more to load. */
  isComplete = false;
  isLoading = false;
  readonly #session: Session;
  readonly #selection: Selection;
  readonly #watcher: FileWatcher;
  readonly #isKnown: (handle: Handle) => boolean;
  readonly #byId = new Map<string, TrackedFile>();
  readonly #stop = new AbortController();
  #handles: AsyncGenerator<Handle> | undefined;
  /** The first of those that are loaded next. */
  #next: Handle | undefined;
  #pageSize = PAGE;
  /** Place of the next file that is loaded. */
  #at = 0;

  /** @param isKnown whether the page shows a file already */
  constructor(
    session: Session,
    selection: Selection,
    watcher: FileWatcher,
    isKnown: (handle: Handle) => boolean,
  ) {
    this.#session = session;
    this.#selection = selection;
    this.#watcher = watcher;
    this.#isKnown = isKnown;
  }

  get isForgotten(): boolean {
    return this.#stop.signal.aborted;
  }

  byId(id: string): TrackedFile | undefined {
    return this.#byId.get(id);
  }

  /** Loads so many more, where there are. @throws as the client does; another call continues */
  async more(count: number): Promise<void> {
    if (this.isLoading || this.isComplete) return;
    this.isLoading = true;
    if (count > PAGE && this.#pageSize === PAGE) {
      this.#pageSize = LARGE_PAGE;
      this.#handles = undefined;
      this.#next = undefined;
    }
    try {
      const end = this.files.length + count;
      while (this.files.length < end) {
        this.#add(this.#next);
        this.#next = undefined;
        if (this.files.length < end && !(await this.#advance())) return;
      }
      // Also tells whether there are more.
      await this.#advance();
    } catch (error) {
      // A generator that threw is over: those that are known are passed over.
      this.#handles = undefined;
      this.#next = undefined;
      if (!this.isForgotten) throw error;
    } finally {
      this.isLoading = false;
    }
  }

  /** Takes a file out, since the page shows it elsewhere. */
  remove(id: string): void {
    const file = this.#byId.get(id);
    if (!file) return;
    this.#byId.delete(id);
    const at = this.files.indexOf(file);
    this.files.splice(at, 1);
    if (at < this.#at) this.#at--;
  }

  forget(): void {
    this.#stop.abort();
    for (const file of this.files) file.forget();
  }

  async #advance(): Promise<boolean> {
    const { state, tab } = this.#selection;
    if (!this.#handles) this.#at = 0;
    this.#handles ??= this.#session.fileshare.list({
      pageSize: this.#pageSize,
      state: state === '' ? undefined : state,
      shared: tab === 'shared' ? 'with-me' : undefined,
      signal: this.#stop.signal,
    });
    const { done = false, value } = await this.#handles.next();
    this.isComplete = done;
    if (!done) this.#next = value as Handle;
    return !done;
  }

  #add(handle: Handle | undefined): void {
    if (!handle) return;
    const known = this.#byId.get(handle.id);
    // Another generator begins with files that are there, and may bring newer ones.
    if (known) this.#at = this.files.indexOf(known, this.#at) + 1;
    if (known || this.#isKnown(handle)) return;
    const file = new TrackedFile(handle.fileName ?? shortened(handle.id), this.#session, this.#watcher);
    this.#byId.set(handle.id, file);
    this.files.splice(this.#at++, 0, file);
    file.listed(handle);
  }
}
