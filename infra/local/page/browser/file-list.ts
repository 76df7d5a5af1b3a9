import type { Handle } from '../../../../client/src/index.ts';
import type { ScanTimings } from '../timings.ts';
import { announce, complain } from './announce.ts';
import type { CardActions } from './card.ts';
import { byId } from './element.ts';
import type { EventLog } from './event-log.ts';
import { Listing, PAGE, type Selection } from './listing.ts';
import { isSending, isUnfinished } from './same-upload.ts';
import type { Session } from './session.ts';
import { Table } from './table.ts';
import type { Tabs } from './tabs.ts';
import { type FileWatcher, TrackedFile } from './tracked-file.ts';
import { bySize, Transfer } from './transfer.ts';
import type { Tray } from './tray.ts';
import { View } from './view.ts';
import { saying, shortened } from './words.ts';

/** Most files of one choice whose rows are open while they are uploaded. */
const OPENED = 3;
/** Files that are loaded at a time, to be searched. */
const SEARCHED = 5000;

/** Other parts of the page. */
interface Parts extends CardActions {
  readonly tabs: Tabs;
  readonly tray: Tray;
  readonly events: Pick<EventLog, 'name'>;
}

/** The files on the page: those of its principal alone. */
export class FileList implements FileWatcher {
  #session: Session;
  readonly #table: Table;
  readonly #parts: Parts;
  readonly #view: View;
  #listing: Listing;
  /** Uploads from this page, also those that go on for another principal; newest first. */
  #uploads: TrackedFile[] = [];
  /** Files that were asked for by their ids; the last first. */
  #opened: TrackedFile[] = [];
  #page = 0;
  /** Its listing failed. */
  #isUnlisted = false;
  readonly #times = new Map<string, ScanTimings>();
  readonly #changed = new Set<TrackedFile>();
  #isDrawing = false;

  constructor(session: Session, parts: Parts) {
    this.#session = session;
    this.#parts = parts;
    this.#table = new Table(parts);
    this.#view = new View(parts.tabs, {
      selected: (selection) => this.#select(selection),
      searched: () => void this.#turnTo(0),
      turned: (by) => {
        // The button may be gone on that page.
        byId('files', HTMLElement).focus();
        void this.#turnTo(this.#page + by);
      },
      more: () => void this.#load(SEARCHED),
    });
    this.#listing = this.#listingOf(this.#view.selection);
  }

  /** Begins anew, with what this principal sees. */
  actAs(session: Session): void {
    this.#session = session;
    this.list();
  }

  list(): void {
    this.#view.reset();
    this.#select(this.#view.selection);
  }

  /** Shows one's own files, or those that are shared. */
  showTab(tab: Selection['tab']): void {
    if (this.#view.become(tab)) this.#select(this.#view.selection);
  }

  /** Takes files for the present principal, also where another is chosen before they are read. */
  taker(slow: boolean): (contents: readonly File[]) => void {
    const session = this.#session;
    return (contents) => this.#upload(contents, session, slow);
  }

  /** Begins uploads, or continues those that were begun before the page was loaded. */
  #upload(contents: readonly File[], session: Session, slow: boolean): void {
    const isPresent = session.principal === this.#session.principal;
    if (isPresent) this.#showOwn();
    const uploads: TrackedFile[] = [];
    const transfers: Transfer[] = [];
    for (const content of contents) {
      const begun = isPresent ? this.#begun(content) : undefined;
      const file = begun ?? new TrackedFile(content.name, session, this);
      const transfer = new Transfer(content, session, slow, () => {
        const { state } = transfer;
        if (state.kind === 'sent') void this.#sent(file, state.handle);
        else if (state.kind !== 'sending') this.say(file, `${content.name}: ${state.kind}`);
        this.#parts.tray.show();
        this.changed(file);
      });
      file.transfer = transfer;
      file.isOpen = contents.length <= OPENED;
      uploads.push(file);
      transfers.push(transfer);
      this.#parts.tray.add(transfer);
    }
    for (const transfer of transfers.toSorted(bySize)) void transfer.start();
    this.#uploads = [...uploads, ...this.#uploads];
  }

  /** The service can be reached again: uploads go on that were interrupted, and it is asked what it did not tell. */
  reconnected(): void {
    for (const file of [...this.#opened, ...this.#uploads, ...this.#listing.files]) file.reconnected();
    if (this.#isUnlisted) void this.#turnTo(this.#page);
    const transfers = this.#uploads.flatMap(({ transfer }) => transfer ?? []);
    const interrupted = transfers.filter(({ state }) => state.kind === 'interrupted');
    for (const transfer of interrupted.toSorted(bySize)) void transfer.start();
  }

  /** Takes uploads off the page that were cancelled. */
  cancelled(transfers: ReadonlySet<Transfer>): void {
    this.#uploads = this.#uploads.filter(({ transfer }) => !transfer || !transfers.has(transfer));
    this.#draw();
  }

  /** Shows a file by its id, whatever the service says of it. */
  async open(id: string): Promise<void> {
    this.#showOwn();
    const file = this.#byId(id) ?? new TrackedFile(shortened(id), this.#session, this);
    file.id = id;
    file.isOpen = true;
    this.#listing.remove(id);
    this.#opened = [file, ...this.#opened.filter((other) => other !== file)];
    this.#uploads = this.#uploads.filter((other) => other !== file);
    await file.refresh();
    this.#draw();
    this.#table.focus(file);
  }

  /** An event was about a file. */
  happened(fileId: string): void {
    const listed = this.#listing.byId(fileId);
    // Also uploads of another identity, which the page may act as again.
    const others = [...this.#opened, ...this.#uploads].filter(({ id }) => id === fileId);
    for (const file of [...(listed ? [listed] : []), ...others]) void file.refresh();
  }

  timed(scan: ScanTimings): void {
    this.#times.set(scan.fileId, scan);
    const file = this.#byId(scan.fileId);
    if (file) this.changed(file);
  }

  nameOf(fileId: string): string | undefined {
    return this.#byId(fileId)?.name;
  }

  changed(file: TrackedFile): void {
    if (file.id !== undefined && this.#isShown(file)) {
      file.scan = this.#times.get(file.id);
      this.#parts.events.name(file.id, file.name);
    }
    this.#changed.add(file);
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => this.#draw());
  }

  say(file: TrackedFile, text: string): void {
    // Of many at once, a listener wants to know only what is wrong with one.
    if (this.#isShown(file) && (file.isOpen || file.handle?.state === 'infected')) announce(text);
  }

  #isShown({ session }: TrackedFile): boolean {
    return session.principal === this.#session.principal;
  }

  /** Shows the principal's own files, where something is about to be added above all others. */
  #showOwn(): void {
    this.#page = 0;
    if (this.#view.reset()) this.#select(this.#view.selection);
  }

  #select(selection: Selection): void {
    this.#listing.forget();
    for (const file of this.#opened) file.forget();
    this.#opened = [];
    this.#listing = this.#listingOf(selection);
    this.#page = 0;
    void this.#turnTo(0);
  }

  #listingOf(selection: Selection): Listing {
    return new Listing(this.#session, selection, this, (handle) => this.#isKnown(handle));
  }

  async #turnTo(page: number): Promise<void> {
    const listing = this.#listing;
    const loaded = this.#files().length;
    if (page * PAGE < loaded) this.#page = page;
    this.#draw();
    if (this.#view.search !== '' || (page + 1) * PAGE <= loaded) return;
    await this.#load(PAGE);
    if (listing !== this.#listing) return;
    this.#page = page;
    this.#draw();
  }

  async #load(count: number): Promise<void> {
    const listing = this.#listing;
    complain('');
    this.#isUnlisted = false;
    try {
      const loaded = listing.more(count);
      this.#draw();
      await loaded;
    } catch (error) {
      this.#isUnlisted = true;
      complain(`Your files could not be listed. ${saying(error)}`);
    }
    this.#draw();
  }

  /** Those that may be shown, in order. */
  #files(): readonly TrackedFile[] {
    const { tab, state } = this.#view.selection;
    const uploads = tab === 'mine' ? this.#uploads.filter((file) => this.#isShown(file)) : [];
    const own = [...uploads, ...this.#listing.files];
    if (state === '') return [...this.#opened, ...own];
    return [...this.#opened, ...own.filter(({ handle }) => (handle?.state ?? 'uploading') === state)];
  }

  #draw(): void {
    this.#isDrawing = false;
    const files = this.#files();
    const { search } = this.#view;
    const matching = search ? files.filter(({ name }) => name.toLowerCase().includes(search)) : files;
    this.#page = Math.max(0, Math.min(this.#page, Math.ceil(matching.length / PAGE) - 1));
    this.#table.show(matching.slice(this.#page * PAGE, (this.#page + 1) * PAGE), this.#changed);
    this.#changed.clear();
    const { isComplete, isLoading } = this.#listing;
    const shown = { page: this.#page, matching: matching.length, loaded: files.length };
    this.#view.show({ ...shown, isComplete, isLoading });
  }

  #byId(id: string): TrackedFile | undefined {
    const listed = this.#listing.byId(id);
    if (listed) return listed;
    return [...this.#opened, ...this.#uploads].find((file) => file.id === id && this.#isShown(file));
  }

  /** An upload that is not complete, of what looks like the same file. */
  #begun(content: File): TrackedFile | undefined {
    const found = this.#listing.files.find((file) => isUnfinished(file, content));
    if (found?.id !== undefined) this.#listing.remove(found.id);
    return found;
  }

  /** Whether the page shows it already, or sends it: that gets its id when it is there. */
  #isKnown(handle: Handle): boolean {
    return [...this.#opened, ...this.#uploads].some((file) =>
      file.id === handle.id ? this.#isShown(file) : isSending(file, handle),
    );
  }

  async #sent(file: TrackedFile, handle: Handle): Promise<void> {
    // An upload that began before the page was loaded may have a separate row, which nobody saw to be the same.
    if (this.#isShown(file)) this.#listing.remove(handle.id);
    await file.arrived(handle);
  }
}
