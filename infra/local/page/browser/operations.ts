import { formatValues, type Reading, readingsOf, readValues } from '../../../../client/src/cli/readings.ts';
import { button, byId, element } from './element.ts';
import { Operator } from './operator.ts';
import type { Session } from './session.ts';
import { saying } from './words.ts';

/** Orders that an operator may give now: path and body. */
const ORDERS = [
  { name: 'Sweep', path: '/sweep', body: {} },
  { name: 'Collect', path: '/collect', body: {} },
  { name: 'Redrive all that failed', path: '/redrive', body: { state: 'failed' } },
] as const;

/** The tab of operators with the numbers that `fileshare admin status` prints. */
export class Operations {
  readonly #list = byId('readings', HTMLElement);
  readonly #note = byId('operations-note', HTMLElement);
  readonly #values = new Map<Reading, HTMLElement>();
  #operator: Operator | undefined;

  constructor() {
    for (const reading of readingsOf('fileshare')) {
      const value = element('dd');
      this.#values.set(reading, value);
      this.#list.append(element('div', {}, element('dt', {}, reading.title), value));
    }
    byId('operations-reload', HTMLButtonElement).addEventListener('click', () => void this.load());
    byId('orders', HTMLElement).append(
      ...ORDERS.map(({ name, path, body }) => button(name, () => void this.#order(name, path, body))),
    );
  }

  /** Forgets what another identity was shown. */
  actAs(session: Session): void {
    this.#operator = Operator.of(session);
    this.#note.textContent = '';
    for (const value of this.#values.values()) value.textContent = '';
  }

  async load(): Promise<void> {
    const operator = this.#operator;
    if (!operator) return;
    const loaded = [...this.#values].map(async ([reading, element]) => {
      const text = await readValues(reading, (path) => operator.metrics(path)).then(
        (values) => formatValues(reading, values),
        (error: unknown) => `unknown. ${saying(error)}`,
      );
      if (operator === this.#operator) element.textContent = text;
    });
    await Promise.all(loaded);
  }

  async #order(name: string, path: string, body: object): Promise<void> {
    const operator = this.#operator;
    if (!operator) return;
    this.#note.textContent = `${name}: under way…`;
    const outcome = await operator.order<object>(path, body).then(
      (report) => `${name}: ${outcomeOf(report)}`,
      (error: unknown) => `${name}: refused. ${saying(error)}`,
    );
    if (operator !== this.#operator) return;
    this.#note.textContent = outcome;
    await this.load();
  }
}

/** `records.clean 3, complete.records true`: what is counted in a report, without what is 0. */
function outcomeOf(report: object): string {
  const counted = flat(report).filter(([, value]) => value !== 0);
  return counted.length === 0
    ? 'nothing to do.'
    : counted.map(([name, value]) => `${name} ${value}`).join(', ');
}

function flat(report: object): readonly (readonly [string, unknown])[] {
  return Object.entries(report).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null
      ? flat(value).map(([inner, each]) => [`${name}.${inner}`, each] as const)
      : [[name, value] as const],
  );
}
