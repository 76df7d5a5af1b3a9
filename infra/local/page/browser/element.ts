type Attributes = Readonly<Record<string, string | false>>;

/** An element with attributes (`false`: without it) and children. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** A button with words on it. */
export function button(text: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, text);
  made.addEventListener('click', onClick);
  return made;
}

/** Marks an element as busy while something is under way, which is not begun once more meanwhile. */
export async function whileBusy(busy: Element, work: () => Promise<void>): Promise<void> {
  if (busy.ariaBusy === 'true') return;
  busy.ariaBusy = 'true';
  try {
    await work();
  } finally {
    busy.ariaBusy = null;
  }
}

/** The element of the page with that id. @throws where it is missing, or another */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} #${id}`);
}
