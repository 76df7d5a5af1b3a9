import { byId } from '../element.ts';

/** The view that a person has chosen. */
export interface Where {
  /** Id of the tab. */
  readonly tab: string;
  readonly state: string;
  readonly search: string;
}

export function whereNow(): Where {
  const tab = document.querySelector('[role="tab"][aria-selected="true"]')?.id ?? '';
  return {
    tab,
    state: byId('state', HTMLSelectElement).value,
    search: byId('search', HTMLInputElement).value,
  };
}

/** Chooses what was chosen before, as a person would. */
export function goTo({ tab, state, search }: Where): void {
  const button = document.getElementById(tab);
  if (button && !button.hidden) button.click();
  const [select, input] = [byId('state', HTMLSelectElement), byId('search', HTMLInputElement)];
  if (state !== '') {
    select.value = state;
    select.dispatchEvent(new Event('change'));
  }
  if (search !== '') {
    input.value = search;
    input.dispatchEvent(new Event('input'));
  }
}
