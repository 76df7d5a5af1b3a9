import { byId } from './element.ts';

/** Says something to who listens to the page rather than looking at it. */
export function announce(text: string): void {
  byId('announcer', HTMLElement).textContent = text;
}

/** Says, to everybody, what went wrong that is about no file; nothing, once it is over. */
export function complain(text: string): void {
  const problem = byId('problem', HTMLElement);
  problem.textContent = text;
  problem.hidden = text === '';
}
