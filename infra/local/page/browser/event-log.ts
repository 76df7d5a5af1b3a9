import type { ScanEvent } from '../../../../client/src/index.ts';
import type { PubsubMessage } from '../../events/pubsub-rest.ts';
import { stateBadge } from './badge.ts';
import { byId, element } from './element.ts';
import { clock, shortened } from './words.ts';

const SHOWN = 200;

/** The tab of events, newest first, of all files or of one. */
export class EventLog {
  readonly #list = byId('events', HTMLElement);
  readonly #filter = byId('event-filter', HTMLInputElement);
  readonly #empty = byId('no-events', HTMLElement);

  constructor() {
    this.#filter.addEventListener('input', () => this.#draw());
  }

  /** Shows one event above the others; `name` is that of its file, where the page knows it. */
  add(message: PubsubMessage, event: ScanEvent | undefined, name: string | undefined): void {
    this.#list.prepend(item(message, event, name));
    while (this.#list.children.length > SHOWN) this.#list.lastElementChild?.remove();
    this.#draw();
  }

  /** The page has learned the name of a file that events were about. */
  name(fileId: string, name: string): void {
    const about = this.#list.querySelectorAll(`[data-file="${CSS.escape(fileId)}"]`);
    for (const each of about) each.textContent = name;
    if (about.length > 0) this.#draw();
  }

  /** The page acts as somebody else, who may not know what those files are called. */
  forgetNames(): void {
    for (const each of this.#list.querySelectorAll<HTMLElement>('[data-file]')) {
      each.textContent = shortened(each.dataset['file'] ?? '');
    }
    this.find('');
  }

  /** Shows what is about a file alone. */
  find(text: string): void {
    this.#filter.value = text;
    this.#draw();
  }

  #draw(): void {
    const wanted = this.#filter.value.trim().toLowerCase();
    let shown = 0;
    for (const each of this.#list.children) {
      const about = each.querySelector<HTMLElement>('[data-file]');
      const { file = '', subject = '' } = about?.dataset ?? {};
      const matches = [file, subject, about?.textContent ?? ''].some((text) =>
        text.toLowerCase().includes(wanted),
      );
      each.toggleAttribute('hidden', !matches);
      if (matches) shown++;
    }
    this.#empty.hidden = shown > 0;
    this.#empty.textContent = wanted === '' ? 'No events yet.' : 'No event is about such a file.';
  }
}

function item(
  { messageId, publishTime, attributes, data }: PubsubMessage,
  event: ScanEvent | undefined,
  name: string | undefined,
): HTMLElement {
  const type = attributes['ce-type'] ?? 'no CloudEvent';
  const verdict = event?.data.verdict;
  const badge = verdict && stateBadge(verdict);
  const fileId = event && 'fileId' in event.data ? event.data.fileId : '';
  const message = { messageId, publishTime, attributes, data: event?.data ?? data };
  return element(
    'li',
    { 'data-type': type },
    element(
      'p',
      { class: 'event-head' },
      element(
        'span',
        { class: 'event-type' },
        type.replace('no.nav.hops.fileshare.', '').replace(/\.v1$/, ''),
      ),
      element('time', { datetime: publishTime }, clock(publishTime)),
    ),
    element(
      'p',
      { class: 'event-about' },
      element('span', { class: `badge ${badge?.kind ?? 'off'}` }, badge?.text ?? 'unknown'),
      element(
        'span',
        { class: 'event-file', 'data-file': fileId, 'data-subject': attributes['ce-subject'] ?? '' },
        name ?? shortened(fileId),
      ),
    ),
    element(
      'details',
      {},
      element('summary', {}, 'Message'),
      element(
        'pre',
        { tabindex: '0', 'aria-label': `Message ${messageId}` },
        JSON.stringify(message, null, 2),
      ),
    ),
  );
}
