import { byId } from './element.ts';

/** Each has a button `tab-NAME`, which names the panel that it controls. */
const TABS = ['mine', 'shared', 'events', 'quarantine', 'operations'] as const;
export type Tab = (typeof TABS)[number];

/** Tabs that only operators see. */
const OPERATORS_ALONE: ReadonlySet<Tab> = new Set(['quarantine', 'operations']);

/** The row of tabs, of which one is chosen. */
export class Tabs {
  readonly #buttons = TABS.map((tab) => ({ tab, button: byId(`tab-${tab}`, HTMLButtonElement) }));
  readonly #chosen: (tab: Tab) => void;
  #tab: Tab = 'mine';

  /** @param chosen is told of each tab that somebody chooses */
  constructor(chosen: (tab: Tab) => void) {
    this.#chosen = chosen;
    for (const { tab, button } of this.#buttons) {
      button.addEventListener('click', () => this.#choose(tab));
      button.addEventListener('keydown', ({ key }) => this.#step(key));
    }
  }

  get tab(): Tab {
    return this.#tab;
  }

  /** Shows a tab without telling. */
  show(tab: Tab): void {
    this.#tab = tab;
    // Two tabs share a panel.
    for (const { button } of this.#buttons) panelOf(button).hidden = true;
    for (const { tab: each, button } of this.#buttons) {
      const isChosen = each === tab;
      button.setAttribute('aria-selected', String(isChosen));
      button.tabIndex = isChosen ? 0 : -1;
      if (!isChosen) continue;
      panelOf(button).hidden = false;
      panelOf(button).setAttribute('aria-labelledby', button.id);
    }
  }

  /** Hides from others what is for operators alone, and the events where none come. */
  allow(isOperator: boolean, hasEvents: boolean): void {
    for (const { tab, button } of this.#buttons) {
      button.hidden = (OPERATORS_ALONE.has(tab) && !isOperator) || (tab === 'events' && !hasEvents);
    }
  }

  #choose(tab: Tab): void {
    if (tab === this.#tab) return;
    this.show(tab);
    this.#chosen(tab);
  }

  #step(key: string): void {
    const shown = this.#buttons.filter(({ button }) => !button.hidden);
    const at = shown.findIndex(({ tab }) => tab === this.#tab);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 }[key];
    if (to === undefined) return;
    const next = shown.at(to % shown.length);
    if (!next) return;
    this.#choose(next.tab);
    next.button.focus();
  }
}

function panelOf(button: HTMLButtonElement): HTMLElement {
  return byId(button.getAttribute('aria-controls') ?? '', HTMLElement);
}
