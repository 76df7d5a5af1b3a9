import { byId } from '../element.ts';

/** Shows the way to log in, with a reason, and resolves when the person takes it. */
export function askToLogIn(reason: string): Promise<void> {
  show(false);
  const text = byId('login-reason', HTMLElement);
  text.textContent = reason;
  text.hidden = reason === '';
  return new Promise((resolve) => {
    const button = byId('login-button', HTMLButtonElement);
    button.addEventListener('click', () => resolve(), { once: true });
    button.focus();
  });
}

/** Shows the page to the one who has logged in, and whom it takes that for. */
export function showPage(name: string): void {
  byId('who', HTMLElement).textContent = name;
  show(true);
}

/** Rows, previews, events and news, which are of the person who was logged in. */
const THEIRS = '#table > tbody, #events > li, #contents > li, #readings dd, #announcer > p';

/** Leaves nothing of a person in the document, before it is left: a browser may keep it to go back to. */
export function clearPage(): void {
  show(false);
  byId('login-button', HTMLButtonElement).hidden = true;
  for (const part of document.querySelectorAll(THEIRS)) part.replaceChildren();
}

function show(isInside: boolean): void {
  for (const part of document.querySelectorAll<HTMLElement>('[data-inside]')) part.hidden = !isInside;
  byId('login-screen', HTMLElement).hidden = isInside;
}
