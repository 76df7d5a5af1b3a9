const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** How much of everything is done: all of it, or as little as shows that the benchmark still works. */
export interface Scale {
  readonly name: 'full' | 'quick';
  readonly upload: { readonly bytes: number; readonly times: number };
  readonly scan: { readonly bytes: number; readonly times: number };
  readonly small: {
    readonly sizes: readonly number[];
    readonly inFlight: readonly number[];
    readonly files: number;
  };
  readonly download: { readonly bytes: number; readonly ranges: number; readonly times: number };
  readonly tus: { readonly bytes: number; readonly chunkBytes: number; readonly times: number };
  readonly memory: { readonly sizes: readonly number[] };
  readonly operations: { readonly bytes: number };
  readonly coldStart: { readonly times: number };
  readonly growth: { readonly records: readonly number[]; readonly requests: number };
}

export const FULL: Scale = {
  name: 'full',
  upload: { bytes: GIB, times: 5 },
  scan: { bytes: 500_000_000, times: 2 },
  small: { sizes: [1_000, 100_000], inFlight: [1, 8, 64], files: 256 },
  download: { bytes: GIB, ranges: 1_000, times: 5 },
  tus: { bytes: 512 * MIB, chunkBytes: 8 * MIB, times: 3 },
  memory: { sizes: [64 * MIB, GIB, 4 * GIB] },
  operations: { bytes: 20 * MIB },
  coldStart: { times: 7 },
  growth: { records: [100, 1_000, 10_000, 100_000], requests: 200 },
};

export const QUICK: Scale = {
  name: 'quick',
  upload: { bytes: 32 * MIB, times: 1 },
  scan: { bytes: 4_000_000, times: 1 },
  small: { sizes: [1_000, 100_000], inFlight: [1, 8], files: 16 },
  download: { bytes: 32 * MIB, ranges: 20, times: 1 },
  tus: { bytes: 16 * MIB, chunkBytes: 8 * MIB, times: 1 },
  memory: { sizes: [4 * MIB, 16 * MIB, 32 * MIB] },
  operations: { bytes: 9 * MIB },
  coldStart: { times: 1 },
  growth: { records: [50, 200], requests: 20 },
};
