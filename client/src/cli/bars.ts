import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { bytes, harmless } from './context.ts';

/** Characters that the name of a file gets beside its bar. */
const NAME_WIDTH = 24;

export interface Bar {
  /** @param size bytes in all; undefined as long as it is not known */
  update(done: number, size: number | undefined): void;
  /** Says instead of the speed what is going on, or how it ended. */
  note(text: string): void;
}

export interface Bars {
  add(name: string, size: number | undefined): Bar;
  stop(): void;
}

const NONE: Bars = { add: () => ({ update: () => undefined, note: () => undefined }), stop: () => undefined };

/** A bar a file on stderr where that is a terminal, else nothing. */
export function createBars(shown: boolean): Bars {
  if (!shown || !process.stderr.isTTY) return NONE;
  const bars = new MultiBar(
    {
      stream: process.stderr,
      format: '{name} {bar} {percentage}% {done}/{all} {note}',
      hideCursor: true,
      clearOnComplete: false,
      stopOnComplete: false,
      autopadding: true,
      gracefulExit: false,
      emptyOnZero: true,
    },
    Presets.shades_classic,
  );
  return {
    add: (name, size) => createBar(bars, shortened(harmless(name)), size),
    stop: () => bars.stop(),
  };
}

function createBar(bars: MultiBar, name: string, size: number | undefined): Bar {
  const payload = (done: number, all: number | undefined) => ({
    done: bytes(done),
    all: all === undefined ? '?' : bytes(all),
  });
  const bar: SingleBar = bars.create(size ?? 0, 0, { name, note: '', ...payload(0, size) });
  const began = Date.now();
  let first: number | undefined;
  return {
    update(done, all) {
      first ??= done;
      const rate = ((done - first) / Math.max(1, Date.now() - began)) * 1000;
      if (all !== undefined) bar.setTotal(all);
      bar.update(done, { ...payload(done, all), note: rate > 0 ? `${bytes(Math.round(rate))}/s` : '' });
    },
    note: (text) => bar.update({ note: text }),
  };
}

function shortened(name: string): string {
  return name.length > NAME_WIDTH ? `${name.slice(0, NAME_WIDTH - 1)}…` : name.padEnd(NAME_WIDTH);
}
