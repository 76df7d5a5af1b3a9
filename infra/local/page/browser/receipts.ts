import type { Receipt } from '../../../../client/src/index.ts';
import { element } from './element.ts';
import { moment } from './words.ts';

/** Most receipts that are shown. */
export const RECEIPTS = 50;

/** Principals that have begun to download a file, as its owner is told. */
export function receiptList(receipts: readonly Receipt[]): HTMLElement {
  const list = receipts
    .slice(0, RECEIPTS)
    .map(({ principal, at }) =>
      element(
        'li',
        {},
        element('span', {}, principal),
        element('time', { datetime: at, class: 'hint' }, moment(at)),
      ),
    );
  const rest = receipts.length > RECEIPTS ? [element('p', { class: 'hint' }, 'And more.')] : [];
  const nobody = element('p', { class: 'hint' }, 'Nobody has downloaded it.');
  return element(
    'section',
    { class: 'receipts' },
    element('h3', {}, 'Downloaded by'),
    ...(list.length > 0 ? [element('ul', { class: 'viewers' }, ...list)] : [nobody]),
    ...rest,
  );
}
