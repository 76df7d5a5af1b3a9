import { announce } from '../announce.ts';
import { saying } from '../words.ts';
import { Panel, type Phase } from './panel.ts';
import { type Step, stepsOf } from './steps.ts';
import { actAs, actingAs, onChange, openTab } from './visitor.ts';

/** Time after which a step that is under way can be tried again; ms. */
const PATIENCE_MS = 12_000;
const SLOW =
  'This takes longer than usual. The step goes on when the service answers; you may also try again.';

/** A tour through the page: it waits until each step is done, no matter by whom. */
export class Tour {
  readonly #ended: () => void;
  #trip: Trip | undefined;

  /** @param ended is told when the visitor has left the tour, or has reached its end */
  constructor(ended: () => void) {
    this.#ended = ended;
  }

  /** Begins at the first step; a tour that is under way goes on. */
  start(): void {
    this.#trip ??= new Trip(() => {
      this.#trip = undefined;
      this.#ended();
    });
    this.#trip.focus();
  }
}

/** One run of the tour. */
class Trip {
  readonly #steps = stepsOf();
  readonly #beganAs = actingAs();
  readonly #panel: Panel;
  readonly #end = new AbortController();
  readonly #ended: () => void;
  #at = 0;
  #phase: Phase = { kind: 'ready' };
  #attempt = new AbortController();
  /** The page shows problems of this attempt, and no longer those of an earlier one. */
  #isTried = false;

  constructor(ended: () => void) {
    this.#ended = ended;
    this.#panel = new Panel(
      () => this.#go(),
      () => this.#leave('You have left the tour.'),
    );
    this.#become({ kind: 'ready' });
    onChange(() => this.#look(), this.#end.signal);
    this.#look();
  }

  focus(): void {
    this.#panel.focus();
  }

  get #step(): Step {
    const step = this.#steps[this.#at];
    if (!step) throw new Error(`the tour has no step ${this.#at}`);
    return step;
  }

  #go(): void {
    if (this.#phase.kind !== 'done') return void this.#act();
    if (this.#at + 1 === this.#steps.length) {
      this.#finish();
      return;
    }
    this.#at++;
    this.#become({ kind: 'ready' });
    announce(`${this.#title}. ${this.#step.text}`);
    this.#look();
  }

  async #act(): Promise<void> {
    const step = this.#step;
    this.#become({ kind: 'busy' });
    const attempt = this.#attempt;
    const hadFocus = this.#panel.hasFocus;
    const isCurrent = () => !attempt.signal.aborted && this.#phase.kind !== 'done';
    const slow = setTimeout(() => {
      if (isCurrent() && this.#phase.kind === 'busy') this.#fail(SLOW);
    }, PATIENCE_MS);
    attempt.signal.addEventListener('abort', () => clearTimeout(slow), { once: true });
    try {
      await step.act(attempt.signal);
    } catch (error) {
      if (isCurrent()) this.#fail(saying(error));
      return;
    }
    // The page gives the focus to what it opens.
    if (hadFocus && !this.#end.signal.aborted) this.#panel.focus();
    if (!isCurrent()) return;
    this.#isTried = true;
    this.#look();
  }

  /** Looks at the page, which may have changed. */
  #look(): void {
    const { kind } = this.#phase;
    const step = this.#step;
    if (kind !== 'done' && step.isDone()) {
      this.#become({ kind: 'done' });
      announce(`Done. ${step.behind}`);
    } else if (this.#isTried && (kind === 'busy' || kind === 'failed')) {
      const problem = step.problem();
      if (problem) this.#fail(problem);
    }
    this.#panel.point(step.target());
  }

  #fail(why: string): void {
    if (this.#phase.kind === 'failed' && this.#phase.why === why) return;
    this.#phase = { kind: 'failed', why };
    this.#show();
    announce(`Not done. ${why}`);
  }

  #become(phase: Phase): void {
    this.#attempt.abort();
    this.#attempt = new AbortController();
    this.#isTried = false;
    this.#phase = phase;
    this.#show();
  }

  get #title(): string {
    return `Tour, ${this.#at + 1} of ${this.#steps.length}: ${this.#step.title}`;
  }

  #show(): void {
    const { text, behind, button } = this.#step;
    const { kind } = this.#phase;
    const isLast = this.#at + 1 === this.#steps.length;
    const shown = {
      ready: { text, action: button },
      busy: { text, action: 'Under way…' },
      done: { text: behind, action: isLast ? `Finish, as ${this.#beganAs} again` : 'Next' },
      failed: { text: this.#phase.kind === 'failed' ? this.#phase.why : '', action: 'Try again' },
    }[kind];
    this.#panel.show({ title: this.#title, phase: this.#phase, ...shown });
  }

  #finish(): void {
    actAs(this.#beganAs);
    openTab('mine');
    this.#leave('This was the tour.');
  }

  #leave(text: string): void {
    this.#end.abort();
    this.#attempt.abort();
    this.#panel.remove();
    this.#ended();
    announce(text);
  }
}
