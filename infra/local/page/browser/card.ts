import { type Handle, isAvailable, isUnderWay } from '../../../../client/src/index.ts';
import { button, element, whileBusy } from './element.ts';
import { explanation } from './explanation.ts';
import { facts } from './facts.ts';
import { receiptList } from './receipts.ts';
import { Sharing } from './sharing.ts';
import { Thumbnail } from './thumbnail.ts';
import type { TrackedFile } from './tracked-file.ts';
import { waterfall } from './waterfall.ts';
import { bytes } from './words.ts';

/** Parts of the page that an open row leads to. */
export interface CardActions {
  /** Lets the person point at a file that this page has lost. */
  chooseAgain(): void;
  /** Shows the events of a file; undefined where none come. */
  readonly showEvents: ((fileId: string) => void) | undefined;
}

/** The content of an open row. It changes in place, so that nobody's focus gets lost. */
export class Card {
  readonly element: HTMLElement;
  readonly file: TrackedFile;
  readonly #bar = element('progress');
  readonly #sent = element('p', { class: 'sent' });
  readonly #progress: HTMLElement;
  readonly #why = element('p', { class: 'why' });
  readonly #note = element('p', { class: 'note' });
  readonly #details: HTMLElement;
  readonly #focusRow: () => void;
  readonly #hasEvents: boolean;
  readonly #facts = element('div');
  readonly #times = element('div');
  readonly #sharing: Sharing;
  readonly #thumbnail: Thumbnail;
  readonly #receipts = element('div');
  #shown = '';
  readonly #toggle = button('Pause', () => this.#turn());
  readonly #again: HTMLButtonElement;
  readonly #download: HTMLButtonElement;
  readonly #rescan: HTMLButtonElement;
  readonly #events: HTMLButtonElement;
  readonly #delete: HTMLButtonElement;

  /** @param focusRow gets the focus of a button that is no longer there */
  constructor(file: TrackedFile, actions: CardActions, focusRow: () => void) {
    this.file = file;
    this.#focusRow = focusRow;
    this.#hasEvents = actions.showEvents !== undefined;
    this.#progress = element('div', { class: 'progress' }, this.#bar, this.#sent);
    this.#sharing = new Sharing(file);
    this.#thumbnail = new Thumbnail(file);
    this.#again = button('Choose the same file to go on', actions.chooseAgain);
    this.#events = button('Events', () => actions.showEvents?.(file.id ?? ''));
    this.#download = button('Download', () => void whileBusy(this.#download, () => file.download()));
    this.#rescan = button('Scan again', () => void file.rescan());
    this.#delete = button('Delete', () => (file.deletion ? void file.undo() : file.delete()), {
      class: 'quiet',
    });
    const right = element('div', {}, this.#times, this.#sharing.element, this.#receipts);
    this.#details = element(
      'div',
      { class: 'detail' },
      element('div', {}, this.#facts, this.#thumbnail.element),
      right,
    );
    const buttons = element(
      'div',
      { class: 'actions' },
      this.#toggle,
      this.#again,
      this.#download,
      this.#rescan,
      this.#events,
      this.#delete,
    );
    this.element = element(
      'div',
      { class: 'card' },
      this.#why,
      this.#details,
      // Beside the buttons that they are about: the details are long on a phone.
      this.#progress,
      this.#note,
      buttons,
    );
  }

  show(): void {
    const { file } = this;
    const { handle, transfer, id, viewers, deletion } = file;
    const focused = document.activeElement;
    const underWay = transfer !== undefined && transfer.state.kind !== 'sent';
    this.#bar.setAttribute('aria-label', file.name);
    this.#delete.textContent = deletion ? 'Undo' : 'Delete';
    this.#delete.className = deletion ? '' : 'quiet';
    for (const each of [
      this.#toggle,
      this.#again,
      this.#download,
      this.#rescan,
      this.#events,
      this.#delete,
    ]) {
      each.setAttribute('aria-label', `${each.textContent}: ${file.name}`);
    }
    this.#showProgress();
    this.#showNote();
    this.#why.textContent = explanation(file);
    this.#why.hidden = this.#why.textContent === '';
    this.#details.hidden = underWay || !handle;
    if (handle) this.#showDetails(handle);
    this.#sharing.show();
    this.#thumbnail.show();
    this.#again.hidden = transfer !== undefined || handle?.state !== 'uploading';
    this.#download.hidden = underWay || id === undefined || (handle !== undefined && !isAvailable(handle));
    this.#rescan.hidden = underWay || viewers === undefined || handle?.state !== 'clean';
    this.#events.hidden = underWay || id === undefined || !this.#hasEvents;
    this.#delete.hidden = underWay || viewers === undefined || deletion?.isSent === true;
    if (focused?.closest('[hidden]') && this.element.contains(focused)) this.#focusRow();
  }

  #showDetails(handle: Handle): void {
    const { transfer, scan, receipts } = this.file;
    const shown = JSON.stringify([handle, scan, transfer?.uploaded, receipts]);
    // Selected text stays selected, so that it can be copied.
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#facts.replaceChildren(facts(handle));
    this.#times.replaceChildren(...(isUnderWay(handle) ? [] : [waterfall(this.file)]));
    this.#receipts.replaceChildren(...(receipts ? [receiptList(receipts)] : []));
  }

  #showProgress(): void {
    const { transfer, handle, downloading } = this.file;
    const going = transfer && transfer.state.kind !== 'sent' ? transfer : undefined;
    // How far others are is not told.
    const length = transfer ? undefined : handle?.upload?.length;
    this.#progress.hidden = !going && !downloading && length === undefined;
    this.#bar.hidden = !going && !downloading;
    this.#showToggle(going?.state.kind);
    if (downloading) {
      const { received, size } = downloading;
      Object.assign(this.#bar, { max: Math.max(1, size), value: received });
      this.#sent.textContent = `Downloading: ${bytes(received)} of ${bytes(size)}`;
      return;
    }
    if (!going) {
      this.#sent.textContent = length === undefined ? '' : `${bytes(length)} once it is complete`;
      return;
    }
    const { size } = going.file;
    const { sent } = going.progress;
    Object.assign(this.#bar, { max: Math.max(1, size), value: sent });
    const share = size ? `${Math.floor((sent / size) * 100)} %, ` : '';
    const speed = going.state.kind === 'sending' ? going.state.bytesPerSecond : undefined;
    const rate = speed === undefined ? '' : `, ${bytes(speed)}/s`;
    this.#sent.textContent = `${share}${bytes(sent)} of ${bytes(size)}${rate}`;
  }

  #showToggle(kind: string | undefined): void {
    this.#toggle.hidden = kind === undefined;
    this.#toggle.textContent = kind === 'queued' || kind === 'sending' ? 'Pause' : 'Resume';
    this.#toggle.setAttribute('aria-label', `${this.#toggle.textContent}: ${this.file.name}`);
  }

  #showNote(): void {
    const { refusal, transfer, note } = this.file;
    const state = transfer?.state;
    const why = state && 'why' in state ? state.why : undefined;
    const from = transfer?.progress.resumedFrom ?? 0;
    const resumed = from > 0 ? `Went on from ${bytes(from)}.` : '';
    const text = [refusal?.message, why, resumed, note].filter(Boolean).join('\n');
    this.#note.hidden = text === '';
    this.#note.textContent = text;
  }

  #turn(): void {
    const { transfer } = this.file;
    if (transfer?.state.kind === 'queued' || transfer?.state.kind === 'sending') transfer.pause();
    else void transfer?.start();
  }
}
