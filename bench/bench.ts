import type { Finding } from './finding.ts';
import type { Scale } from './scale.ts';
import type { Stage } from './stage/stage.ts';

/** Inputs of a row's measurement. */
export interface Bench {
  readonly scale: Scale;
  /** Everything, without the events of Cloud Storage: nothing is scanned behind an upload's back. */
  readonly still: () => Promise<Stage>;
  /** Everything, with events; `anew` in processes that have done nothing yet. */
  readonly live: (options?: { readonly anew: boolean }) => Promise<Stage>;
  /** Everything, with events and the module's settings, and Cloud Storage as far away as it will be. */
  readonly distant: () => Promise<Stage>;
  /** The folder of ClamAV's signatures; absent if they are the development ones. */
  readonly databaseDirectory: string | undefined;
  /** A folder for files, removed at the end. */
  readonly folder: string;
  /** Tells the waiting user what is being done. */
  readonly say: (line: string) => void;
}

/** A part of the benchmark that can be run alone. */
export interface Row {
  /** Row name, for `--only`. */
  readonly name: string;
  readonly title: string;
  readonly measure: (bench: Bench) => Promise<readonly Finding[]>;
}
