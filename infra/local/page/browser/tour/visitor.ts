import { byId } from '../element.ts';
import type { Tab } from '../tabs.ts';

/** The tour uses the page as a visitor does: it presses what can be pressed, and knows what can be read. */

export function actingAs(): string {
  return byId('principal', HTMLSelectElement).value || byId('other-principal', HTMLInputElement).value.trim();
}

export function actAs(principal: string): void {
  if (actingAs() === principal) return;
  const select = byId('principal', HTMLSelectElement);
  select.value = principal;
  const isOffered = select.value === principal;
  if (!isOffered) select.value = '';
  select.dispatchEvent(new Event('change'));
  if (isOffered) return;
  byId('other-principal', HTMLInputElement).value = principal;
  byId('acting', HTMLFormElement).requestSubmit();
}

export function openTab(tab: Tab): void {
  byId(`tab-${tab}`, HTMLButtonElement).click();
}

export function isOpen(tab: Tab): boolean {
  return byId(`tab-${tab}`, HTMLButtonElement).ariaSelected === 'true';
}

export function sampleButton(name: string): HTMLButtonElement | null {
  return document.querySelector(`[data-sample="${name}"]`);
}

/** The row of a file that has an id already. */
export function rowOf(id: string): HTMLElement | null {
  return id === '' ? null : document.querySelector(`tbody.file[data-id="${CSS.escape(id)}"]`);
}

/** Rows of files that this page has begun to upload since then, newest first; ms since 1970. */
export function uploadedSince(time: number): HTMLElement[] {
  const rows = [...document.querySelectorAll<HTMLElement>('tbody.file[data-uploaded-at]')];
  return rows.filter(({ dataset }) => Number(dataset['uploadedAt']) >= time);
}

export function nameIn(row: HTMLElement): HTMLButtonElement | null {
  return row.querySelector('button.name');
}

/** The button of an open row that begins with this word. */
export function buttonIn(row: HTMLElement | null, word: string): HTMLButtonElement | null {
  return row?.querySelector(`button[aria-label^="${word}"]:not([hidden])`) ?? null;
}

/** Value of a term among the facts of an open row. */
export function termIn(row: HTMLElement, term: string): string | undefined {
  const terms = [...row.querySelectorAll('.facts dt')];
  return terms.find(({ textContent }) => textContent === term)?.nextElementSibling?.textContent ?? undefined;
}

interface Place {
  readonly principal: string;
  readonly tab: 'mine' | 'shared';
  readonly id: string;
}

/** Opens the row of a file in one of the tabs, and waits until something is found in it. */
export async function openRow<T>(
  { principal, tab, id }: Place,
  find: (row: HTMLElement) => T | null,
  signal: AbortSignal,
): Promise<T> {
  actAs(principal);
  openTab(tab);
  await new Promise(requestAnimationFrame);
  if (!rowOf(id) && tab === 'mine') {
    byId('file-id', HTMLInputElement).value = id;
    byId('lookup', HTMLFormElement).requestSubmit();
  }
  const row = await until(() => rowOf(id), signal);
  const name = nameIn(row);
  const isOpened = () => name?.ariaExpanded === 'true';
  // The page asks for a file anew when its row is opened.
  if (isOpened() && !find(row)) {
    name?.click();
    await until(() => !isOpened(), signal);
  }
  if (!isOpened()) name?.click();
  return until(() => find(row), signal);
}

/** Calls back after changes of the page, at most once for each picture of it. */
export function onChange(changed: () => void, signal: AbortSignal): void {
  let isWaiting = false;
  const observer = new MutationObserver(() => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      if (!signal.aborted) changed();
    });
  });
  observer.observe(document.body, { attributes: true, characterData: true, childList: true, subtree: true });
  signal.addEventListener('abort', () => observer.disconnect(), { once: true });
}

/** Waits until something is found on the page. @throws the reason of the signal */
export function until<T>(find: () => T | null | undefined | false, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const found = find();
    if (found) return resolve(found);
    const stop = new AbortController();
    const look = () => {
      const later = find();
      if (!later) return;
      stop.abort();
      resolve(later);
    };
    onChange(look, AbortSignal.any([stop.signal, signal]));
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
