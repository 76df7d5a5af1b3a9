import { type Handle, isUnderWay, type Receipt, type Viewers } from '../../../../client/src/index.ts';
import type { ScanTimings } from '../timings.ts';
import { Deletion, UNDO_MS } from './deletion.ts';
import { Lanes } from './lanes.ts';
import { isPassing, REST_MS } from './passing.ts';
import { RECEIPTS } from './receipts.ts';
import { save } from './save.ts';
import type { Session } from './session.ts';
import type { Transfer } from './transfer.ts';
import { bytes, moment, saying } from './words.ts';

const polls = new Lanes(2);

/** Shows changes of files, and announces the important ones. */
export interface FileWatcher {
  changed(file: TrackedFile): void;
  say(file: TrackedFile, text: string): void;
}

/** A file as the page knows it: what the service tells one principal, and what happened here. */
export class TrackedFile {
  /** Undefined until the service has given it one. */
  id: string | undefined;
  /** Undefined where the service tells this principal nothing. */
  handle: Handle | undefined;
  /** Told to its owner alone; asked for when the file is open. */
  viewers: Viewers | undefined;
  /** Told likewise; one more than is shown where there are more. */
  receipts: readonly Receipt[] | undefined;
  transfer: Transfer | undefined;
  scan: ScanTimings | undefined;
  /** How far its download is; bytes. */
  downloading: { readonly received: number; readonly size: number } | undefined;
  /** Waits for its time, or for its answer. */
  deletion: Deletion | undefined;
  /** Why there is no handle, or no news of it. */
  refusal: Error | undefined;
  /** The outcome of the last action on it. */
  note = '';
  /** Name as this page remembers it; the service tells it to those who may see the file. */
  name: string;
  /** Whether its row shows more than a line. */
  isOpen = false;
  /** Its principal sees it as this client does. */
  readonly session: Session;
  readonly #watcher: FileWatcher;
  #isForgotten = false;
  #poll: AbortController | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string, session: Session, watcher: FileWatcher) {
    this.name = name;
    this.session = session;
    this.#watcher = watcher;
  }

  /** A listing told it. */
  listed(handle: Handle): void {
    this.id = handle.id;
    this.#know(handle);
  }

  setOpen(isOpen: boolean): void {
    this.isOpen = isOpen;
    this.#watcher.changed(this);
    if (isOpen) void this.refresh();
  }

  /** Asks the service for it. */
  async refresh(): Promise<void> {
    const { id, session } = this;
    if (id === undefined) return;
    this.#stopRetry();
    try {
      const handle = await session.fileshare.status(id);
      const { principal, isOperator } = session;
      const isAsked = this.isOpen && (isOperator || handle.owner === principal) && handle.state !== 'deleted';
      if (!isAsked) return this.#know(handle);
      this.#know(handle, ...(await Promise.all([session.fileshare.viewers(id), this.#readers(id)])));
    } catch (error) {
      this.#hide(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The service can be reached again. */
  reconnected(): void {
    if (this.#again !== undefined) void this.refresh();
  }

  /** The service has it now, and decides. */
  async arrived(handle: Handle): Promise<void> {
    this.id = handle.id;
    await this.refresh();
  }

  async download(): Promise<void> {
    await this.#act(async ({ fileshare }, id) => {
      const download = await fileshare.download(id, {
        onProgress: (progress) => {
          this.downloading = progress;
          this.#say('');
        },
      });
      save(await new Response(download.stream).blob(), download.fileName ?? id);
      return `Downloaded ${bytes(download.size)}; its SHA-256 is right.`;
    });
    this.downloading = undefined;
    await this.refresh();
  }

  async rescan(): Promise<void> {
    await this.#act(async ({ fileshare }, id) => {
      await fileshare.rescan(id);
      return 'It is scanned again; anything that is found shows here.';
    });
  }

  /** @param until absent: without an end. @returns whether it was not refused */
  async share(principal: string, until?: Date): Promise<boolean> {
    const isShared = await this.#act(async ({ fileshare }, id) => {
      await fileshare.share(id, principal, { until });
      return until
        ? `${principal} may see it until ${moment(until.toISOString())}.`
        : `${principal} may see it now.`;
    });
    await this.refresh();
    return isShared;
  }

  async unshare(principal: string): Promise<void> {
    await this.#act(async ({ fileshare }, id) => {
      await fileshare.unshare(id, principal);
      return `${principal} may no longer see it.`;
    });
    await this.refresh();
  }

  /** Deletes it, once there was time to undo this. */
  delete(): void {
    const { id, session } = this;
    if (id === undefined || this.deletion) return;
    this.deletion = new Deletion(session, id, {
      send: () => void this.#delete(),
      left: () => {
        this.deletion = undefined;
        void this.refresh();
      },
    });
    this.#tell(`It is deleted in ${UNDO_MS / 1000} seconds, or when you leave this page.`);
  }

  async undo(): Promise<void> {
    if (!this.deletion || this.deletion.isSent) return;
    this.deletion.cancel();
    this.deletion = undefined;
    this.#tell('It is not deleted.');
    await this.refresh();
    if (this.handle?.state === 'deleted') this.#tell('It was deleted elsewhere meanwhile.');
  }

  async #delete(): Promise<void> {
    this.#say('');
    await this.#act(async ({ fileshare }, id) => {
      await fileshare.delete(id);
      return 'Deleted: nobody gets it any more.';
    });
    this.deletion = undefined;
    await this.refresh();
  }

  /** The page shows it no more. */
  forget(): void {
    this.#isForgotten = true;
    this.#stopRetry();
    this.deletion?.now();
    this.#poll?.abort();
  }

  async #readers(id: string): Promise<readonly Receipt[]> {
    const receipts: Receipt[] = [];
    for await (const receipt of this.session.fileshare.receipts(id, { pageSize: RECEIPTS })) {
      if (receipts.push(receipt) > RECEIPTS) break;
    }
    return receipts;
  }

  async #act(work: (session: Session, id: string) => Promise<string>): Promise<boolean> {
    if (this.id === undefined) return false;
    try {
      this.#tell(await work(this.session, this.id));
      return true;
    } catch (error) {
      this.#tell(`Refused. ${saying(error)}`);
      return false;
    }
  }

  #tell(note: string): void {
    this.#say(note);
    this.#watcher.say(this, `${this.name}: ${note}`);
  }

  #say(note: string): void {
    this.note = note;
    this.#watcher.changed(this);
  }

  #know(handle: Handle, viewers?: Viewers, receipts?: readonly Receipt[]): void {
    if (this.#isForgotten) return;
    // Not of what was there when the page was loaded.
    const news = (this.handle ?? this.transfer) !== undefined && this.handle?.state !== handle.state;
    this.name = handle.fileName ?? this.name;
    Object.assign(this, { handle, viewers, receipts, refusal: undefined });
    if (handle.state === 'deleted') this.#endDeletion();
    if (handle.state === 'pending') void this.#follow(handle.id);
    else this.#poll?.abort();
    if (news && !isUnderWay(handle)) this.#watcher.say(this, `${this.name}: ${handle.state}`);
    this.#watcher.changed(this);
  }

  /** It is deleted already: there is nothing to undo, nor to ask for. */
  #endDeletion(): void {
    if (!this.deletion || this.deletion.isSent) return;
    this.deletion.cancel();
    this.deletion = undefined;
    this.note = '';
  }

  #hide(refusal: Error): void {
    if (this.#isForgotten) return;
    this.#poll?.abort();
    this.#retry(refusal);
    Object.assign(this, { handle: undefined, viewers: undefined, receipts: undefined, refusal });
    this.#watcher.changed(this);
  }

  /** Waits for the verdict, in line with others; its event may come first. */
  async #follow(id: string): Promise<void> {
    if (this.#poll && !this.#poll.signal.aborted) return;
    const poll = new AbortController();
    this.#poll = poll;
    const { fileshare } = this.session;
    try {
      await polls.run(poll.signal, () => fileshare.wait(id, { signal: poll.signal }));
      poll.abort();
      await this.refresh();
    } catch (error) {
      if (poll.signal.aborted) return;
      poll.abort();
      this.refusal = new Error(`It is not known what became of it. ${saying(error)}`, { cause: error });
      this.#retry(error);
      this.#watcher.changed(this);
    }
  }

  /** Asks again later, where the answer may be another. */
  #retry(error: unknown): void {
    this.#stopRetry();
    if (isPassing(error)) this.#again = setTimeout(() => void this.refresh(), REST_MS);
  }

  #stopRetry(): void {
    clearTimeout(this.#again);
    this.#again = undefined;
  }
}
