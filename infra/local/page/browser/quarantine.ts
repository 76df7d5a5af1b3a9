import { announce } from './announce.ts';
import { byId } from './element.ts';
import { Operator, type Quarantined } from './operator.ts';
import { QuarantinedContent } from './quarantined-content.ts';
import type { Session } from './session.ts';
import { saying } from './words.ts';

/** The tab of operators that lists what is in quarantine: a content once, whatever the number of its files. */
export class Quarantine {
  readonly #list = byId('contents', HTMLElement);
  readonly #count = byId('quarantine-count', HTMLElement);
  readonly #more = byId('quarantine-more', HTMLButtonElement);
  #operator: Operator | undefined;
  #contents = new Map<string, QuarantinedContent>();
  #next: string | undefined;

  constructor() {
    byId('quarantine-reload', HTMLButtonElement).addEventListener('click', () => void this.load());
    byId('quarantine-sweep', HTMLButtonElement).addEventListener('click', () => void this.#sweep());
    this.#more.addEventListener('click', () => void this.#show(this.#next));
  }

  /** Forgets what another identity was shown. */
  actAs(session: Session): void {
    this.#operator = Operator.of(session);
    this.#contents = new Map();
    this.#list.replaceChildren();
    this.#list.ariaBusy = null;
    this.#count.textContent = '';
    this.#more.hidden = true;
  }

  /** Shows the first page; contents that are still there stay open. */
  load(): Promise<void> {
    return this.#show(undefined);
  }

  async #show(after: string | undefined): Promise<void> {
    const operator = this.#operator;
    if (!operator) return;
    this.#list.ariaBusy = 'true';
    try {
      const { items, next } = await operator.quarantine(after);
      if (operator !== this.#operator) return;
      if (after === undefined) this.#keep(items);
      for (const [key, group] of Map.groupBy(items, keyOf)) this.#contentOf(key, operator).show(group);
      this.#next = next;
      this.#more.hidden = next === undefined;
      const count = this.#contents.size;
      const rest = next === undefined ? '' : ' More can be loaded.';
      this.#count.textContent = `${count} ${count === 1 ? 'content' : 'contents'}.${rest}`;
    } catch (error) {
      if (operator === this.#operator) this.#count.textContent = `Not listed. ${saying(error)}`;
    } finally {
      if (operator === this.#operator) this.#list.ariaBusy = null;
    }
  }

  #keep(items: readonly Quarantined[]): void {
    const listed = new Set(items.map(keyOf));
    for (const [key, content] of this.#contents) {
      content.forget();
      if (listed.has(key)) continue;
      content.element.remove();
      this.#contents.delete(key);
    }
  }

  #contentOf(key: string, operator: Operator): QuarantinedContent {
    const known = this.#contents.get(key);
    if (known) return known;
    const made = new QuarantinedContent(operator, () => this.load());
    made.element.dataset['key'] = key;
    this.#contents.set(key, made);
    this.#list.append(made.element);
    return made;
  }

  async #sweep(): Promise<void> {
    const operator = this.#operator;
    if (!operator) return;
    this.#count.textContent = 'Sweeping…';
    try {
      await operator.order('/sweep');
      announce('Sweep completed');
    } catch (error) {
      announce(`Sweep failed. ${saying(error)}`);
    }
    await this.load();
  }
}

function keyOf({ sha256, name }: Quarantined): string {
  return sha256 ?? name;
}
