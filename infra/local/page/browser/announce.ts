import { byId } from './element.ts';

/** Says something to who listens to the page rather than looking at it. */
export function announce(text: string): void {
  byId('announcer', HTMLElement).textContent = text;
}
