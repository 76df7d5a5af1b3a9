import { Fileshare, type ServiceNotice } from '../../../../client/src/index.ts';
import { byId, element } from './element.ts';
import type { Session } from './session.ts';
import { moment } from './words.ts';

/** Milliseconds for which the service lets an answer be kept. */
const INTERVAL_MS = 30_000;

/** The banner with what the operators tell users. */
export class NoticeBanner {
  readonly #banner = byId('notice', HTMLElement);
  readonly #service: Fileshare;
  #shown = '';

  constructor({ addresses }: Pick<Session, 'addresses'>) {
    // Without a token: a notice is for everybody.
    this.#service = new Fileshare({ ...addresses, retries: 0 });
  }

  /** Asks now, and again and again while somebody looks at the page. */
  follow(): void {
    void this.#load();
    setInterval(() => {
      if (document.visibilityState === 'visible') void this.#load();
    }, INTERVAL_MS);
  }

  /** Where the service does not answer, the banner stays as it is. */
  async #load(): Promise<void> {
    const told = await this.#service.notice().catch(() => undefined);
    if (told) this.#show(told);
  }

  #show(told: ServiceNotice): void {
    const { notice, intake } = told;
    const key = JSON.stringify(told);
    // The same again would be read out again.
    if (key === this.#shown) return;
    this.#shown = key;
    const end = (until: string | undefined) => (until === undefined ? '' : ` Until ${moment(until)}.`);
    const lines = [
      ...(intake.state === 'paused' ? [`New uploads are paused: ${intake.reason}${end(intake.until)}`] : []),
      ...(notice ? [`${notice.text}${end(notice.until)}`] : []),
    ];
    const isUrgent = intake.state === 'paused' || notice?.level === 'warning';
    this.#banner.dataset['level'] = isUrgent ? 'warning' : 'info';
    this.#banner.replaceChildren(...lines.map((line) => element('p', {}, line)));
  }
}
