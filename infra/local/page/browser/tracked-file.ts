import { type Handle, isUnderWay, type Viewers } from '../../../../client/src/index.ts';
import type { ScanTimings } from '../timings.ts';
import { announce } from './announce.ts';
import { Lanes } from './lanes.ts';
import { save } from './save.ts';
import type { Session } from './session.ts';
import type { Transfer } from './transfer.ts';
import { bytes, saying } from './words.ts';

const polls = new Lanes(2);

/** A file as the page knows it: what the service tells the page's principal, and what happened here. */
export class TrackedFile {
  /** Undefined until the service has given it one. */
  id: string | undefined;
  /** Undefined where the service tells this principal nothing. */
  handle: Handle | undefined;
  /** Told to its owner alone. */
  viewers: Viewers | undefined;
  transfer: Transfer | undefined;
  scan: ScanTimings | undefined;
  /** Why there is no handle. */
  refusal: Error | undefined;
  /** The outcome of the last action on it. */
  note = '';
  /** Name as this page remembers it; the service tells it to those who may see the file. */
  name: string;
  readonly #session: () => Session;
  readonly #changed: () => void;
  #poll: AbortController | undefined;

  constructor(name: string, session: () => Session, changed: () => void) {
    this.name = name;
    this.#session = session;
    this.#changed = changed;
  }

  /** Asks the service for it, as the page's current principal. */
  async refresh(): Promise<void> {
    const { id } = this;
    if (id === undefined) return;
    const session = this.#session();
    try {
      const handle = await session.fileshare.status(id);
      const mine = handle.owner === session.principal;
      const viewers = mine && handle.state !== 'deleted' ? await session.fileshare.viewers(id) : undefined;
      if (session === this.#session()) this.#know(handle, viewers);
    } catch (error) {
      if (session === this.#session()) this.#hide(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The service has it now, and decides. */
  async arrived(handle: Handle): Promise<void> {
    this.id = handle.id;
    await this.refresh();
  }

  async download(): Promise<void> {
    await this.#act(async ({ fileshare }, id) => {
      const download = await fileshare.download(id, {
        onProgress: ({ received, size }) => this.#say(`Downloading: ${bytes(received)} of ${bytes(size)}`),
      });
      save(await new Response(download.stream).blob(), download.fileName ?? id);
      return `Downloaded ${bytes(download.size)}; its SHA-256 is right.`;
    });
  }

  async share(principal: string): Promise<void> {
    await this.#act(async ({ fileshare }, id) => {
      await fileshare.share(id, principal);
      return `${principal} may see it now.`;
    });
    await this.refresh();
  }

  async unshare(principal: string): Promise<void> {
    await this.#act(async ({ fileshare }, id) => {
      await fileshare.unshare(id, principal);
      return `${principal} may no longer see it.`;
    });
    await this.refresh();
  }

  async delete(): Promise<void> {
    await this.#act(async ({ fileshare }, id) => {
      await fileshare.delete(id);
      return 'Deleted: nobody gets it any more.';
    });
    await this.refresh();
  }

  /** The page acts as somebody else, or leaves the file alone. */
  forget(): void {
    this.#poll?.abort();
    this.note = '';
  }

  async #act(work: (session: Session, id: string) => Promise<string>): Promise<void> {
    if (this.id === undefined) return;
    try {
      this.#say(await work(this.#session(), this.id));
    } catch (error) {
      this.#say(`Refused. ${saying(error)}`);
    }
    announce(`${this.name}: ${this.note}`);
  }

  #say(note: string): void {
    this.note = note;
    this.#changed();
  }

  #know(handle: Handle, viewers: Viewers | undefined): void {
    // Not of what was there when the page was loaded.
    const news = (this.handle ?? this.transfer) !== undefined && this.handle?.state !== handle.state;
    this.name = handle.fileName ?? this.name;
    Object.assign(this, { handle, viewers, refusal: undefined });
    if (handle.state === 'pending') void this.#follow(handle.id);
    else this.#poll?.abort();
    if (news && !isUnderWay(handle)) announce(`${this.name}: ${handle.state}`);
    this.#changed();
  }

  #hide(refusal: Error): void {
    this.#poll?.abort();
    Object.assign(this, { handle: undefined, viewers: undefined, refusal });
    this.#changed();
  }

  /** Waits for the verdict, in line with others; its event may come first. */
  async #follow(id: string): Promise<void> {
    if (this.#poll && !this.#poll.signal.aborted) return;
    const poll = new AbortController();
    this.#poll = poll;
    const { fileshare } = this.#session();
    try {
      await polls.run(poll.signal, () => fileshare.wait(id, { signal: poll.signal }));
      poll.abort();
      await this.refresh();
    } catch (error) {
      if (poll.signal.aborted) return;
      poll.abort();
      this.#say(`It is not known what became of it. ${saying(error)}`);
    }
  }
}
