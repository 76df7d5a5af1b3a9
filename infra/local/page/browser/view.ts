import type { State } from '../../../../client/src/index.ts';
import { STATES } from './badge.ts';
import { byId } from './element.ts';
import { PAGE, type Selection } from './listing.ts';

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

/** The tabs, the filter, the search, and the buttons of the pages. */
export class View {
  readonly #tabs = [byId('tab-mine', HTMLButtonElement), byId('tab-shared', HTMLButtonElement)] as const;
  readonly #state = byId('state', HTMLSelectElement);
  readonly #search = byId('search', HTMLInputElement);
  readonly #previous = byId('previous', HTMLButtonElement);
  readonly #next = byId('next', HTMLButtonElement);
  readonly #more = byId('more', HTMLButtonElement);
  #tab: Selection['tab'] = 'mine';

  constructor(listener: ViewListener) {
    for (const [state, { text }] of Object.entries(STATES)) this.#state.append(new Option(text, state));
    const choose = (tab: Selection['tab']) => {
      if (tab === this.#tab) return;
      this.#become(tab);
      listener.selected(this.selection);
    };
    for (const tab of this.#tabs) {
      tab.addEventListener('click', () => choose(tab === this.#tabs[0] ? 'mine' : 'shared'));
      tab.addEventListener('keydown', ({ key }) => {
        if (key !== 'ArrowLeft' && key !== 'ArrowRight') return;
        choose(this.#tab === 'mine' ? 'shared' : 'mine');
        this.#tabs[this.#tab === 'mine' ? 0 : 1].focus();
      });
    }
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
    this.#become('mine');
    return tab !== 'mine' || state !== '';
  }

  show(shown: Shown): void {
    const { page, matching, isComplete, isLoading } = shown;
    const isLast = (page + 1) * PAGE >= matching;
    byId('count', HTMLElement).textContent = countOf(shown, this.search);
    byId('empty', HTMLElement).hidden = matching > 0 || isLoading || !isComplete || this.search !== '';
    this.#previous.hidden = page === 0;
    this.#next.hidden = isLast && (isComplete || this.search !== '');
    this.#next.disabled = isLast && isLoading;
    this.#more.hidden = this.search === '' || isComplete;
    this.#more.disabled = isLoading;
  }

  #become(tab: Selection['tab']): void {
    this.#tab = tab;
    for (const [at, each] of this.#tabs.entries()) {
      const isChosen = (at === 0) === (tab === 'mine');
      each.setAttribute('aria-selected', String(isChosen));
      each.tabIndex = isChosen ? 0 : -1;
    }
    byId('list', HTMLElement).setAttribute('aria-labelledby', `tab-${tab}`);
    byId('table', HTMLTableElement).dataset['tab'] = tab;
    byId('empty', HTMLElement).textContent =
      tab === 'mine' ? 'No files yet.' : 'Nothing is shared with this identity.';
  }
}

function countOf({ page, matching, loaded, isComplete, isLoading }: Shown, search: string): string {
  const rest = isLoading ? ' Loading…' : isComplete ? '' : ' More can be loaded.';
  if (search !== '') return `${matching} of ${loaded} loaded files match “${search}”.${rest}`;
  if (matching === 0) return rest.trim();
  return `${page * PAGE + 1}–${Math.min(matching, (page + 1) * PAGE)} of ${matching} loaded files.${rest}`;
}
