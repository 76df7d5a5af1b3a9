import fc from 'fast-check';
import { HOUR } from '../functions/sweeper/collect-fixture.ts';
import type { Facts } from './facts.ts';
import { STEPS, type Step, type Subject } from './steps.ts';
import type { Death } from './turns.ts';
import type { World } from './world.ts';

type Command = fc.AsyncCommand<Facts, World>;

interface Terms extends Subject {
  /** Operations of anybody before the next command begins. */
  readonly passing: number;
  readonly death: Death | undefined;
}

/** Begins a step, which goes on while others begin. */
class Begin implements Command {
  readonly #name: string;
  readonly #step: Step;
  readonly #terms: Terms;

  constructor(name: string, step: Step, terms: Terms) {
    this.#name = name;
    this.#step = step;
    this.#terms = terms;
  }

  check({ files }: Readonly<Facts>): boolean {
    return !this.#step.ofFile || files.length > 0;
  }

  async run(_: Facts, world: World): Promise<void> {
    const { passing, death, ...subject } = this.#terms;
    world.start(this.#name, death, (hook) => this.#step.run(world, subject, hook));
    await world.pass(passing);
  }

  toString(): string {
    const { file, who, what, passing, death } = this.#terms;
    const dies = death ? `, dies ${death.withLast ? 'after' : 'before'} operation ${death.operations}` : '';
    return `${this.#name}(file ${file}, who ${who}, what ${what}${dies}) then ${passing} operations`;
  }
}

/** All that was begun ends, and time passes: an engine's scan is over within an hour (docs/adr/0009). */
class Wait implements Command {
  readonly #hours: number;

  constructor(hours: number) {
    this.#hours = hours;
  }

  check(): boolean {
    return true;
  }

  async run(_: Facts, world: World): Promise<void> {
    await world.settle();
    world.fixture.now += this.#hours * HOUR;
  }

  toString(): string {
    return `wait(${this.#hours} h)`;
  }
}

const small = fc.nat({ max: 11 });
const death: fc.Arbitrary<Death | undefined> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record({ operations: fc.integer({ min: 1, max: 15 }), withLast: fc.boolean() }),
  },
);
/** Half of the steps have others begin before they are well under way. */
const passing = fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 4, max: 25 }));
const terms: fc.Arbitrary<Terms> = fc.record({ file: small, who: small, what: small, passing, death });

function begin(name: keyof typeof STEPS): fc.Arbitrary<Command> {
  return terms.map((terms) => new Begin(name, STEPS[name], terms));
}

/** How often each comes. */
const WEIGHTS: Readonly<Record<keyof typeof STEPS, number>> = {
  upload: 7,
  forgetDigest: 1,
  deliver: 9,
  race: 3,
  look: 3,
  share: 3,
  refer: 2,
  remove: 2,
  end: 2,
  collect: 3,
  sweep: 2,
  redrive: 1,
  release: 1,
};

const all: readonly fc.Arbitrary<Command>[] = [
  ...(Object.keys(STEPS) as (keyof typeof STEPS)[]).flatMap((name) =>
    Array<fc.Arbitrary<Command>>(WEIGHTS[name]).fill(begin(name)),
  ),
  fc.integer({ min: 0, max: 50 }).map((hours) => new Wait(hours)),
  fc.integer({ min: 0, max: 50 }).map((hours) => new Wait(hours)),
];

export const commands = fc.commands([...all], { maxCommands: 40, size: 'max' });
