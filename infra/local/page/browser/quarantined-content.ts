import { announce } from './announce.ts';
import type { Badge } from './badge.ts';
import { button, element } from './element.ts';
import { terms } from './facts.ts';
import type { Operator, Quarantined } from './operator.ts';
import { save } from './save.ts';
import { bytes, moment, saying, shortened } from './words.ts';

/** Most files whose owners are asked for. */
const ASKED = 20;

let numbered = 0;

/** Answers to a release and to a condemnation. */
interface Report {
  readonly released?: 0 | 1;
  readonly alsoFound?: string;
  readonly condemned?: 0 | 1;
  readonly state?: 'awaitingSecond';
  readonly askedBy?: string;
}

/** One content in quarantine, with what an operator can do about it. It changes in place. */
export class QuarantinedContent {
  readonly element: HTMLElement;
  readonly #operator: Operator;
  readonly #changed: () => Promise<void>;
  readonly #badge = element('span', { class: 'badge' });
  readonly #found = element('span', { class: 'found' });
  readonly #rest = element('span', { class: 'hint' });
  readonly #facts = element('div');
  readonly #note = element('p', { class: 'note', hidden: '' });
  readonly #reason = element('input', { required: '', maxlength: '900' });
  readonly #only = element('input', { type: 'checkbox' });
  readonly #form: HTMLElement;
  readonly #download = button('Download archive', () => void this.#save());
  readonly #rescan = button('Scan again', () => void this.#scanAgain());
  readonly #release = button('Release', () => void this.#decide('release'));
  readonly #condemn = button('Condemn', () => void this.#decide('condemn'));
  #items: readonly Quarantined[] = [];
  #owners: string | undefined;

  /** @param changed loads what the service knows now */
  constructor(operator: Operator, changed: () => Promise<void>) {
    this.#operator = operator;
    this.#changed = changed;
    const id = `reason-${++numbered}`;
    this.#reason.id = id;
    this.#only.id = `${id}-only`;
    this.#only.checked = true;
    this.#form = element(
      'form',
      { class: 'share', autocomplete: 'off' },
      element('label', { for: id }, 'Reason'),
      this.#reason,
      this.#release,
      this.#condemn,
      element(
        'span',
        { class: 'only' },
        this.#only,
        element('label', { for: this.#only.id }, 'Allow only what this signature finds'),
      ),
    );
    // Enter does not choose between the two.
    this.#form.addEventListener('submit', (event) => event.preventDefault());
    const actions = element(
      'div',
      { class: 'actions' },
      this.#download,
      element('span', { class: 'hint' }, 'A zip; its password is “infected”.'),
      this.#rescan,
    );
    const details = element(
      'details',
      {},
      element('summary', {}, this.#badge, this.#found, this.#rest),
      element('div', { class: 'card' }, this.#facts, actions, this.#form, this.#note),
    );
    details.addEventListener('toggle', () => {
      if (details.open && this.#owners === undefined) void this.#askOwners();
    });
    this.element = element('li', {}, details);
  }

  /** The objects are to be told anew. */
  forget(): void {
    this.#items = [];
  }

  /** Objects that hold this content, beside those that were shown before. */
  show(items: readonly Quarantined[]): void {
    this.#items = [...this.#items, ...items];
    const [first] = this.#items;
    if (!first) return;
    const { found, signature = found, size, since, finding, sha256, engine, word, cleanSince } = first;
    const { kind, text } = badgeOf(finding);
    this.#badge.className = `badge ${kind}`;
    this.#badge.textContent = text;
    this.#found.textContent = signature ?? shortened(first.name);
    this.#rest.textContent = [bytes(size), since && moment(since)].filter(Boolean).join(' · ');
    const files = this.#items.filter(({ name }) => !name.startsWith('sha256/')).length;
    this.#facts.replaceChildren(
      terms({
        Found: found === signature ? undefined : found,
        Signature: signature,
        'SHA-256': sha256,
        Size: bytes(size),
        Since: since && moment(since),
        Engine: engine && engineOf(engine),
        'Found clean': cleanSince && `${moment(cleanSince.at)} by ${engineOf(cleanSince)}`,
        Files: files === 0 ? 'were clean before, and were recalled' : `${files} uploaded as malware`,
        Owners: this.#owners,
        [finding === 'released' ? 'Released' : 'Asked']:
          word && `${moment(word.at)} by ${word.by}: ${word.reason}`,
      }),
    );
    for (const each of [this.#rescan, this.#download, this.#release, this.#condemn]) {
      each.setAttribute('aria-label', `${each.textContent}: ${this.#found.textContent}`);
    }
    const focused = document.activeElement;
    this.#form.hidden = sha256 === undefined;
    // Of what could not be scanned there is no finding that a scan could doubt.
    this.#rescan.hidden = finding === undefined;
    this.#release.hidden = finding === undefined || finding === 'released';
    this.#condemn.hidden = !(finding === undefined || finding === 'released');
    this.#only.parentElement?.toggleAttribute('hidden', this.#release.hidden);
    // The button of an order goes with it.
    if (focused instanceof HTMLButtonElement && focused.hidden && this.element.contains(focused)) {
      this.#reason.focus();
    }
  }

  async #askOwners(): Promise<void> {
    const ids = this.#items.map(({ name }) => name).filter((name) => !name.startsWith('sha256/'));
    const { fileshare } = this.#operator.session;
    const asked = ids.slice(0, ASKED).map((id) =>
      fileshare.status(id).then(
        ({ owner }) => owner,
        () => undefined,
      ),
    );
    const owners = [...new Set(await Promise.all(asked))].filter((owner) => owner !== undefined);
    const more = ids.length > ASKED ? ` among the first ${ASKED} files` : '';
    this.#owners = owners.length === 0 ? '' : `${owners.length}${more}: ${owners.join(', ')}`;
    const items = this.#items;
    this.#items = [];
    this.show(items);
  }

  async #scanAgain(): Promise<void> {
    const [first] = this.#items;
    if (!first) return;
    await this.#act(async () => {
      await this.#operator.order('/quarantine/rescan', { name: first.name });
      return 'It is scanned again. “Reload” shows whether newer signatures find it clean.';
    });
  }

  async #save(): Promise<void> {
    const [first] = this.#items;
    if (!first) return;
    await this.#act(async () => {
      save(await this.#operator.archive(first.name), `${first.name.replace('/', '-')}.zip`);
      return 'Saved as a zip; its password is “infected”.';
    });
  }

  async #decide(order: 'release' | 'condemn'): Promise<void> {
    const reason = this.#reason.value.trim();
    if (reason === '') {
      this.#reason.focus();
      return this.#say('Say why first: the reason is kept.');
    }
    const { sha256, signature } = this.#items[0] ?? {};
    const isOnly = order === 'release' && this.#only.checked && signature !== undefined;
    await this.#act(async () => {
      const body = { sha256, reason, ...(isOnly && { signature }) };
      const report = await this.#operator.order<Report>(`/${order}`, body);
      this.#reason.value = '';
      await this.#changed();
      return outcomeOf(report);
    });
  }

  async #act(work: () => Promise<string>): Promise<void> {
    try {
      this.#say(await work());
    } catch (error) {
      this.#say(`Refused. ${saying(error)}`);
    }
  }

  #say(text: string): void {
    this.#note.hidden = false;
    this.#note.textContent = text;
    announce(text);
  }
}

function badgeOf(finding: Quarantined['finding']): Badge {
  if (finding === 'stands') return { kind: 'bad', text: 'Infected' };
  if (finding === 'awaitingSecond') return { kind: 'unsure', text: 'Awaits another operator' };
  if (finding === 'released') return { kind: 'good', text: 'Released' };
  return { kind: 'unsure', text: 'Unscannable' };
}

function engineOf({ version, database }: NonNullable<Quarantined['engine']>): string {
  return `ClamAV ${version}, signatures ${database ?? 'unknown'}`;
}

function outcomeOf({ state, askedBy, released, alsoFound, condemned }: Report): string {
  if (alsoFound) return `Scans have also found ${alsoFound}: release whatever is found, or nothing.`;
  if (state) return `${askedBy} has asked for its release: another operator has to release it, too.`;
  if (released === 1) return 'Released. Its files become clean with the next sweep.';
  if (condemned === 1) return 'Condemned. Its files are recalled with the next sweep.';
  return released === 0 ? 'There was nothing to release.' : 'It was refused already.';
}
