import { announce } from './announce.ts';
import { button, byId, element } from './element.ts';
import type { Session } from './session.ts';
import { bySize, type Transfer, type TransferState } from './transfer.ts';
import { bytes, rounded } from './words.ts';

/** Time over which a rate is taken; ms. */
const WINDOW_MS = 5000;
/** Least time between two looks at all uploads; ms. */
const REST_MS = 200;

/** A strip below the page while uploads of its principal are under way: how far all of them are. */
export class Tray {
  readonly #element = byId('tray', HTMLElement);
  readonly #counts = element('p', { class: 'counts' });
  readonly #bar = element('progress', { 'aria-label': 'All uploads' });
  readonly #sent = element('p', { class: 'sent' });
  readonly #pause = button('Pause all', () => this.#turn());
  readonly #cancel: HTMLButtonElement;
  readonly #close = button('Close', () => this.#clear());
  /** Also those that go on for another principal. */
  readonly #all = new Set<Transfer>();
  #principal = '';
  readonly #samples: { readonly at: number; readonly sent: number }[] = [];
  #isWaiting = false;

  /** @param cancelled is told which uploads have stopped */
  constructor(cancelled: (transfers: ReadonlySet<Transfer>) => void) {
    this.#cancel = button('Cancel all', () => this.#cancelAll(cancelled));
    const words = element('div', { class: 'tray-words' }, this.#counts, this.#sent);
    const actions = element('div', { class: 'actions' }, this.#pause, this.#cancel, this.#close);
    this.#element.append(words, actions, this.#bar);
    // The browser asks whether to leave. Files that wait would have to be chosen again.
    addEventListener('beforeunload', (event) => {
      if ([...this.#all].some(isUnderWay)) event.preventDefault();
    });
  }

  add(transfer: Transfer): void {
    if (this.#in('queued', 'sending', 'paused', 'interrupted').length === 0) this.#clear();
    this.#all.add(transfer);
    this.show();
  }

  /** Shows and turns the uploads of this principal alone. */
  actAs({ principal }: Session): void {
    this.#principal = principal;
    this.#samples.length = 0;
    this.#draw();
  }

  /** Something about the uploads is new. */
  show(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(() => {
      this.#isWaiting = false;
      this.#draw();
    }, REST_MS);
  }

  #draw(): void {
    const all = this.#own.length;
    const uploaded = this.#in('sent').length;
    if (all > 0 && uploaded === all) {
      announce(all === 1 ? '1 file uploaded' : `${all} files uploaded`);
      this.#clear();
    }
    this.#element.hidden = this.#own.length === 0;
    if (this.#element.hidden) return;
    const [running, waiting] = [this.#in('sending').length, this.#in('queued').length];
    const [refused, interrupted] = [this.#in('refused').length, this.#in('interrupted').length];
    const paused = this.#in('paused').length;
    const rest = { running, waiting, paused, interrupted, refused };
    const told = Object.entries(rest).flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : []));
    this.#counts.textContent = [`${uploaded} of ${all} uploaded`, ...told].join(' · ');
    this.#showBytes(running);
    const focused = this.#element.querySelector(':focus');
    this.#close.hidden = running + waiting > 0;
    this.#cancel.hidden = uploaded + refused === all;
    this.#pause.hidden = this.#cancel.hidden;
    this.#pause.textContent = running + waiting > 0 ? 'Pause all' : 'Resume all';
    if (focused instanceof HTMLElement && focused.hidden) this.#close.focus();
  }

  #showBytes(running: number): void {
    let [sent, size] = [0, 0];
    for (const { state, progress, file } of this.#own) {
      if (state.kind === 'refused') continue;
      size += file.size;
      sent += state.kind === 'sent' ? file.size : Math.min(progress.sent, file.size);
    }
    Object.assign(this.#bar, { max: Math.max(1, size), value: sent });
    const now = Date.now();
    this.#samples.push({ at: now, sent });
    while ((this.#samples[1]?.at ?? now) < now - WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0] ?? { at: now, sent };
    const rate = running > 0 && now > first.at ? ((sent - first.sent) * 1000) / (now - first.at) : 0;
    const speed = rate > 0 ? [`${bytes(rate)}/s`, `${rounded((size - sent) / rate)} left`] : [];
    this.#sent.textContent = [`${bytes(sent)} of ${bytes(size)}`, ...speed].join(' · ');
  }

  /** Pauses what is under way; where nothing is, resumes the rest. */
  #turn(): void {
    const underWay = this.#in('queued', 'sending');
    for (const transfer of underWay) transfer.pause();
    const rest = underWay.length > 0 ? [] : this.#in('paused', 'interrupted');
    for (const transfer of rest.toSorted(bySize)) void transfer.start();
    const count = underWay.length + rest.length;
    announce(`${count} ${count === 1 ? 'upload' : 'uploads'} ${underWay.length > 0 ? 'paused' : 'resumed'}`);
  }

  #cancelAll(cancelled: (transfers: ReadonlySet<Transfer>) => void): void {
    const stopped = new Set(this.#own.filter(({ state }) => state.kind !== 'sent'));
    for (const transfer of stopped) transfer.pause();
    this.#clear();
    cancelled(stopped);
    announce(`${stopped.size} ${stopped.size === 1 ? 'upload' : 'uploads'} cancelled`);
  }

  #clear(): void {
    for (const transfer of this.#own) this.#all.delete(transfer);
    this.#samples.length = 0;
    if (this.#element.contains(document.activeElement)) byId('files', HTMLElement).focus();
    this.#element.hidden = true;
  }

  get #own(): readonly Transfer[] {
    return [...this.#all].filter(({ session }) => session.principal === this.#principal);
  }

  #in(...kinds: readonly TransferState['kind'][]): readonly Transfer[] {
    return this.#own.filter(({ state }) => kinds.includes(state.kind));
  }
}

function isUnderWay({ state }: Transfer): boolean {
  return state.kind === 'queued' || state.kind === 'sending';
}
