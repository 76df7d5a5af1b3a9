import type { Handle } from '../../../../client/src/index.ts';
import type { ScanTimings } from '../timings.ts';
import { announce, complain } from './announce.ts';
import { Card } from './card.ts';
import { byId } from './element.ts';
import { nameEvents } from './event-log.ts';
import type { Session } from './session.ts';
import { TrackedFile } from './tracked-file.ts';
import { Transfer } from './transfer.ts';
import { saying, shortened } from './words.ts';

/** Number of own files that are shown at the start. */
const SHOWN = 25;

/** The files on the page, newest first. */
export class FileList {
  #session: Session;
  #cards: Card[] = [];
  readonly #times = new Map<string, ScanTimings>();
  readonly #chooseAgain: () => void;

  constructor(session: Session, chooseAgain: () => void) {
    this.#session = session;
    this.#chooseAgain = chooseAgain;
  }

  /** Shows what is there for somebody else. Earlier facts stay, so that the difference is seen. */
  async actAs(session: Session): Promise<void> {
    this.#session = session;
    complain('');
    for (const { file } of this.#cards) file.forget();
    await Promise.all([this.list(), ...this.#cards.map(({ file }) => file.refresh())]);
  }

  /** Adds the newest files of the user. */
  async list(): Promise<void> {
    const session = this.#session;
    try {
      let shown = 0;
      for await (const handle of session.fileshare.list({ pageSize: SHOWN })) {
        if (session !== this.#session || ++shown > SHOWN) return;
        if (this.#byId(handle.id) || this.#isSending(handle)) continue;
        const card = this.#add(handle.fileName ?? shortened(handle.id), 'last');
        void card.file.arrived(handle);
      }
    } catch (error) {
      if (session === this.#session) complain(`Your files could not be listed. ${saying(error)}`);
    }
  }

  /** Begins an upload, or continues one that was begun before the page was loaded. */
  upload(content: File, slow: boolean): void {
    const card = this.#begun(content) ?? this.#add(content.name, 'first');
    const transfer = new Transfer(content, this.#session, slow, () => {
      const { state } = transfer;
      if (state.kind === 'sent') void this.#sent(card, transfer);
      else if (state.kind !== 'sending') announce(`${content.name}: ${state.kind}`);
      card.show();
    });
    card.file.transfer = transfer;
    card.open();
    void transfer.start();
  }

  /** Shows a file by its id, whatever the service says of it. */
  async open(id: string): Promise<void> {
    const card = this.#byId(id) ?? this.#add(shortened(id), 'first');
    card.file.id = id;
    await card.file.refresh();
    card.focus();
  }

  /** Facts about a file from an event. */
  changed(fileId: string): void {
    void this.#byId(fileId)?.file.refresh();
  }

  timed(scan: ScanTimings): void {
    this.#times.set(scan.fileId, scan);
    const card = this.#byId(scan.fileId);
    if (card) card.file.scan = scan;
    card?.show();
  }

  nameOf(fileId: string): string | undefined {
    return this.#byId(fileId)?.file.name;
  }

  #byId(id: string): Card | undefined {
    return this.#cards.find(({ file }) => file.id === id);
  }

  /** The card of an upload that is not complete, of what looks like the same file. */
  #begun({ name, size }: File): Card | undefined {
    return this.#cards.find(({ file: { handle, transfer } }) => {
      const waits = handle?.state === 'uploading' && !transfer && handle.owner === this.#session.principal;
      return waits && handle.fileName === name && handle.upload?.length === size;
    });
  }

  /** Whether it is what goes out from here: that gets its id when it is there. */
  #isSending({ state, fileName, upload }: Handle): boolean {
    if (state !== 'uploading') return false;
    return this.#cards.some(({ file: { transfer } }) => {
      const sending = transfer && transfer.state.kind !== 'sent';
      return sending && transfer.file.name === fileName && transfer.file.size === upload?.length;
    });
  }

  async #sent(card: Card, { state }: Transfer): Promise<void> {
    if (state.kind !== 'sent') return;
    // An upload that began before the page was loaded may have a separate card, which nobody saw to be the same.
    const others = this.#cards.filter((other) => other !== card && other.file.id === state.handle.id);
    for (const other of others) other.element.remove();
    this.#cards = this.#cards.filter((other) => !others.includes(other));
    await card.file.arrived(state.handle);
  }

  #add(name: string, where: 'first' | 'last'): Card {
    const file = new TrackedFile(
      name,
      () => this.#session,
      () => show(),
    );
    const card = new Card(file, this.#chooseAgain);
    if (where === 'first') card.open();
    const show = () => {
      if (file.id) {
        file.scan = this.#times.get(file.id);
        nameEvents(file.id, file.name);
      }
      card.show();
    };
    this.#cards.push(card);
    byId('empty', HTMLElement).hidden = true;
    const list = byId('cards', HTMLElement);
    if (where === 'first') list.prepend(card.element);
    else list.append(card.element);
    show();
    return card;
  }
}
