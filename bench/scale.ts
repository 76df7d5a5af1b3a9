import { ONCE, type Rounds } from './side-by-side.ts';

const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** How much of everything is done: all of it, or as little as shows that the benchmark still works. */
export interface Scale {
  readonly name: 'full' | 'quick';
  readonly upload: { readonly bytes: number; readonly rounds: Rounds };
  readonly scan: { readonly bytes: number; readonly rounds: Rounds };
  /** ClamAV alone: files of so many bytes, and one that is read by its path. */
  readonly engine: {
    readonly bytes: number;
    readonly files: number;
    readonly pathBytes: number;
    readonly rounds: Rounds;
  };
  readonly small: {
    readonly sizes: readonly [number, ...number[]];
    readonly concurrencies: readonly number[];
    /** Files at a time. */
    readonly files: number;
    readonly rounds: Rounds;
    /** Files that go by before anything is compared: of the first size in a new instance, and before each size. */
    readonly warmUp: { readonly instance: number; readonly size: number };
  };
  readonly download: { readonly bytes: number; readonly ranges: number; readonly rounds: Rounds };
  readonly tus: { readonly bytes: number; readonly chunkBytes: number; readonly rounds: Rounds };
  readonly contention: {
    /** Share of `POST /files`, at least so much. */
    readonly tus: readonly {
      readonly bytes: number;
      readonly chunkBytes: number;
      readonly atLeast: number;
    }[];
    readonly rounds: Rounds;
    /** Grants at once. */
    readonly grants: number;
    readonly verdicts: Rounds;
  };
  /** Files of each size, so many that they have `atLeast` so many bytes together. */
  readonly memory: { readonly sizes: readonly number[]; readonly atLeast: number };
  readonly operations: { readonly bytes: number };
  readonly coldStart: Rounds;
  /** Small files with latencies. */
  readonly latency: {
    readonly sizes: readonly number[];
    /** Files; without any, a backlog has `most`. */
    readonly warmUp: number;
    /** Seconds that a backlog should last, at the rate of the files before. */
    readonly seconds: number;
    /** Files in a backlog, at most. */
    readonly most: number;
    readonly rounds: Rounds;
  };
  readonly latencyBytes: {
    readonly uploadBytes: number;
    readonly rounds: Rounds;
    /** Downloads: one after the other, and as many as an instance takes at a time. */
    readonly inARow: number;
    readonly atOnce: number;
  };
  readonly latencyInstances: { readonly instances: number; readonly warmUp: number; readonly files: number };
  readonly latencyFacts: { readonly warmUp: number; readonly files: number };
  readonly burst: { readonly files: readonly number[] };
  /** How often each time is taken with latencies. */
  readonly latencyTimes: { readonly small: number; readonly large: number; readonly largeBytes: number };
  /** Contents that are scanned again, and files before, and after. */
  readonly rescan: { readonly contents: number; readonly files: number };
  /** Files of 1 KB that the command line uploads. */
  readonly commandLine: { readonly files: number; readonly rounds: Rounds };
  readonly growth: { readonly records: readonly number[]; readonly requests: number };
}

export const FULL: Scale = {
  name: 'full',
  upload: { bytes: GIB, rounds: { times: 5, withinSeconds: 20 } },
  scan: { bytes: 500_000_000, rounds: { times: 2, withinSeconds: 20 } },
  engine: {
    bytes: 10_000_000,
    files: 24,
    pathBytes: 100_000_000,
    rounds: { times: 3, withinSeconds: 15 },
  },
  small: {
    sizes: [1_000, 100_000],
    concurrencies: [1, 8, 64],
    files: 128,
    rounds: { times: 3, withinSeconds: 6 },
    warmUp: { instance: 1_536, size: 256 },
  },
  download: { bytes: GIB, ranges: 1_000, rounds: { times: 5, withinSeconds: 15 } },
  tus: { bytes: 256 * MIB, chunkBytes: 8 * MIB, rounds: { times: 5, withinSeconds: 20 } },
  contention: {
    tus: [
      { bytes: 64 * MIB, chunkBytes: 8 * MIB, atLeast: 0.8 },
      { bytes: 16 * MIB, chunkBytes: MIB, atLeast: 0.3 },
    ],
    rounds: { times: 5, withinSeconds: 30 },
    grants: 50,
    verdicts: { times: 15, withinSeconds: 10 },
  },
  memory: { sizes: [64 * MIB, GIB, 4 * GIB], atLeast: 256 * MIB },
  operations: { bytes: 20 * MIB },
  coldStart: { times: 7, withinSeconds: 20 },
  latency: {
    sizes: [1_000, 100_000],
    warmUp: 512,
    seconds: 4,
    most: 1_000,
    rounds: { times: 2, withinSeconds: 15 },
  },
  latencyBytes: { uploadBytes: GIB, rounds: { times: 2, withinSeconds: 12 }, inARow: 40, atOnce: 2_000 },
  latencyInstances: { instances: 4, warmUp: 96, files: 400 },
  latencyFacts: { warmUp: 96, files: 300 },
  burst: { files: [10_000, 100_000] },
  latencyTimes: { small: 48, large: 4, largeBytes: 10_000_000 },
  rescan: { contents: 10_000, files: 400 },
  commandLine: { files: 100, rounds: { times: 5, withinSeconds: 30 } },
  growth: { records: [100, 1_000, 10_000, 100_000], requests: 200 },
};

export const QUICK: Scale = {
  name: 'quick',
  upload: { bytes: 32 * MIB, rounds: ONCE },
  scan: { bytes: 4_000_000, rounds: ONCE },
  engine: { bytes: 1_000_000, files: 4, pathBytes: 1_000_000, rounds: ONCE },
  small: {
    sizes: [1_000, 100_000],
    concurrencies: [1, 8],
    files: 16,
    rounds: ONCE,
    warmUp: { instance: 64, size: 16 },
  },
  download: { bytes: 32 * MIB, ranges: 20, rounds: ONCE },
  tus: { bytes: 16 * MIB, chunkBytes: 8 * MIB, rounds: ONCE },
  contention: {
    tus: [{ bytes: 4 * MIB, chunkBytes: MIB, atLeast: 0.3 }],
    rounds: ONCE,
    grants: 10,
    verdicts: ONCE,
  },
  memory: { sizes: [4 * MIB, 16 * MIB, 32 * MIB], atLeast: 32 * MIB },
  operations: { bytes: 9 * MIB },
  coldStart: ONCE,
  // So few that none is refused, which would cost ten seconds.
  latency: { sizes: [1_000], warmUp: 0, seconds: 1, most: 10, rounds: ONCE },
  latencyBytes: { uploadBytes: 32 * MIB, rounds: ONCE, inARow: 4, atOnce: 160 },
  latencyInstances: { instances: 2, warmUp: 0, files: 8 },
  latencyFacts: { warmUp: 0, files: 10 },
  burst: { files: [2_000] },
  latencyTimes: { small: 6, large: 1, largeBytes: 1_000_000 },
  rescan: { contents: 100, files: 10 },
  commandLine: { files: 100, rounds: ONCE },
  growth: { records: [50, 200], requests: 20 },
};
