import type { State } from '../../../../client/src/index.ts';
import { STATES } from './badge.ts';
import { byId } from './element.ts';
import { PAGE, type Selection } from './listing.ts';
import type { Tabs } from './tabs.ts';

export interface ViewListener {
  /** Another tab or state: other files are to be loaded. */
  selected(selection: Selection): void;
  searched(): void;
  /** Another page of 50. */
  turned(by: 1 | -1): void;
  more(): void;
}

/** Numbers for the line below the table. */
export interface Shown {
  readonly page: number;
  readonly matching: number;
  readonly loaded: number;
  readonly isComplete: boolean;
  readonly isLoading: boolean;
}

/** The filter, the search, and the buttons of the pages, in the two tabs of files. */
export class View {
  readonly #tabs: Tabs;
  readonly #state = byId('state', HTMLSelectElement);
  readonly #search = byId('search', HTMLInputElement);
  readonly #previous = byId('previous', HTMLButtonElement);
  readonly #next = byId('next', HTMLButtonElement);
  readonly #more = byId('more', HTMLButtonElement);
  #tab: Selection['tab'] = 'mine';

  constructor(tabs: Tabs, listener: ViewListener) {
    this.#tabs = tabs;
    for (const [state, { text }] of Object.entries(STATES)) this.#state.append(new Option(text, state));
    this.#state.addEventListener('change', () => listener.selected(this.selection));
    this.#search.addEventListener('input', () => listener.searched());
    this.#previous.addEventListener('click', () => listener.turned(-1));
    this.#next.addEventListener('click', () => listener.turned(1));
    this.#more.addEventListener('click', () => listener.more());
  }

  get selection(): Selection {
    return { tab: this.#tab, state: this.#state.value as State | '' };
  }

  /** Lower case; empty where nothing is searched for. */
  get search(): string {
    return this.#search.value.trim().toLowerCase();
  }

  /** Chooses one's files, in any state and by any name. @returns whether another selection was chosen before */
  reset(): boolean {
    const { tab, state } = this.selection;
    this.#state.value = '';
    this.#search.value = '';
    this.become('mine');
    this.#tabs.show('mine');
    return tab !== 'mine' || state !== '';
  }

  show(shown: Shown): void {
    const { page, matching, isComplete, isLoading } = shown;
    const isLast = (page + 1) * PAGE >= matching;
    byId('count', HTMLElement).textContent = countOf(shown, this.search);
    byId('empty', HTMLElement).hidden = matching > 0 || isLoading || !isComplete || this.search !== '';
    this.#previous.hidden = page === 0;
    this.#next.hidden = (matching === 0 && isLoading) || (isLast && (isComplete || this.search !== ''));
    this.#next.disabled = isLast && isLoading;
    this.#more.hidden = this.search === '' || isComplete;
    this.#more.disabled = isLoading;
  }

  /** @returns whether it was the other before */
  become(tab: Selection['tab']): boolean {
    const isOther = tab !== this.#tab;
    this.#tab = tab;
    byId('table', HTMLTableElement).dataset['tab'] = tab;
    byId('empty', HTMLElement).textContent =
      tab === 'mine' ? 'No files yet.' : 'Nothing is shared with this identity.';
    return isOther;
  }
}

function countOf({ page, matching, loaded, isComplete, isLoading }: Shown, search: string): string {
  const rest = isLoading ? ' Loading…' : isComplete ? '' : ' More can be loaded.';
  if (search !== '') return `${matching} of ${loaded} loaded files match “${search}”.${rest}`;
  if (matching === 0) return rest.trim();
  return `${page * PAGE + 1}–${Math.min(matching, (page + 1) * PAGE)} of ${matching} loaded files.${rest}`;
}
