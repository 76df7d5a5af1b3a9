export interface Target {
  readonly files: readonly string[];
  /** The tests run for each mutant: the tests that are there for these files. */
  readonly tests: readonly string[];
}

/** The code that decides what is clean, who may have it, and which bytes of it. */
export const TARGETS: Readonly<Record<string, Target>> = {
  reply: { files: ['shared/scanning/reply.ts'], tests: ['test/shared/scanning/reply.test.ts'] },
  decide: {
    files: ['decide', 'decision', 'known', 'unread'].map((name) => `functions/scanner/${name}.ts`),
    tests: ['test/functions/scanner/decide.test.ts'],
  },
  promote: { files: ['shared/files/blobs.ts'], tests: ['test/shared/files/blobs.test.ts'] },
  readable: {
    files: ['shared/files/readable.ts', 'functions/files/find.ts', 'functions/files/download.ts'],
    tests: [
      'test/shared/files/readable.test.ts',
      'test/functions/files/find.test.ts',
      'test/functions/files/download.test.ts',
    ],
  },
  conditions: {
    files: ['functions/files/headers/conditions.ts'],
    tests: ['test/functions/files/headers/conditions.test.ts'],
  },
  ranges: {
    files: ['functions/files/headers/ranges.ts'],
    tests: ['test/functions/files/headers/ranges.test.ts'],
  },
};
