import { byId } from './element.ts';

/** More than what comes about at once, and few enough for the end of the page to be read. */
const KEPT = 8;

/**
 * Says something to those who listen to the page rather than looking at it, beside what was announced right
 * before it: a verdict that comes together with the end of an upload must not be lost to it.
 */
export function announce(text: string): void {
  const announcer = byId('announcer', HTMLElement);
  const line = document.createElement('p');
  line.textContent = text;
  announcer.append(line);
  while (announcer.childElementCount > KEPT) announcer.firstElementChild?.remove();
}

/** Forgets what was announced to another identity, which may name files that this one may not know of. */
export function silence(): void {
  byId('announcer', HTMLElement).replaceChildren();
}

/** Says, to everybody, what went wrong that is about no file; nothing, once it is over. */
export function complain(text: string): void {
  const problem = byId('problem', HTMLElement);
  problem.textContent = text;
  problem.hidden = text === '';
}
