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
    files: ['functions/files/find.ts', 'functions/files/download.ts'],
    tests: ['test/functions/files/find.test.ts', 'test/functions/files/download.test.ts'],
  },
  conditions: { files: ['shared/http/conditions.ts'], tests: ['test/shared/http/conditions.test.ts'] },
  ranges: { files: ['shared/http/ranges.ts'], tests: ['test/shared/http/ranges.test.ts'] },
};
