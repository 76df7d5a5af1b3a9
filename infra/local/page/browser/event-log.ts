import type { ScanEvent } from '../../../../client/src/index.ts';
import type { PubsubMessage } from '../../events/pubsub-rest.ts';
import { stateBadge } from './badge.ts';
import { byId, element } from './element.ts';
import { clock, shortened } from './words.ts';

const SHOWN = 100;

/** Shows one event above the others; `name` is that of its file, where the page knows it. */
export function showEvent(
  message: PubsubMessage,
  event: ScanEvent | undefined,
  name: string | undefined,
): void {
  const list = byId('events', HTMLElement);
  list.prepend(item(message, event, name));
  while (list.children.length > SHOWN) list.lastElementChild?.remove();
}

/** The page has learned the name of a file that events were about. */
export function nameEvents(fileId: string, name: string): void {
  const about = byId('events', HTMLElement).querySelectorAll(`[data-file="${CSS.escape(fileId)}"]`);
  for (const each of about) each.textContent = name;
}

/** The page acts as somebody else, who may not know what those files are called. */
export function forgetNames(): void {
  for (const each of byId('events', HTMLElement).querySelectorAll<HTMLElement>('[data-file]')) {
    each.textContent = shortened(each.dataset['file'] ?? '');
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
      element('span', { class: 'event-file', 'data-file': fileId }, name ?? shortened(fileId)),
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
