// The options that `npm test` and `npm run test:integration` add to .mocharc.json: test files run side by side, in
// separate processes.
const { globSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

// For the processes that run the files, and those that tests start. Without coverage, Node's own cache does more.
if (process.env['NODE_V8_COVERAGE']) {
  const stripped = `--import=${pathToFileURL(join(__dirname, 'support/stripped.mjs'))}`;
  process.env['NODE_OPTIONS'] = [process.env['NODE_OPTIONS'], stripped].filter(Boolean).join(' ');
}

/**
 * The tests that start whole platforms, ClamAV's scripts or kill processes, or store thousands of files: `npm run
 * test:integration` runs them.
 */
const INTEGRATION = [
  // The main job stays in `npm test`.
  'test/integration/!(main-job).test.ts',
  'test/infra/clamav/{entrypoint,mirror-job,trial,roll-back,grants}.test.ts',
  'test/faults/faults.test.ts',
  'test/contract/main-job.test.ts',
  'test/functions/sweeper/owner/erase.test.ts',
];

/** They take longest, so they come first: otherwise the last of them would run alone at the end. */
const LONGEST = [
  'test/integration/grants.test.ts',
  'test/contract/main-job.test.ts',
  'test/integration/recovery-of-many.test.ts',
  'test/infra/clamav/mirror-job.test.ts',
  'test/infra/clamav/entrypoint.test.ts',
  'test/faults/faults.test.ts',
  'test/integration/upload.test.ts',
  'test/integration/sharing.test.ts',
  'test/integration/direct.test.ts',
  'test/integration/main-job.test.ts',
  'test/infra/local/cli/start.test.ts',
  'test/model/life.test.ts',
];

const rank = (file) => (LONGEST.includes(file) ? LONGEST.indexOf(file) : LONGEST.length);

const all = globSync('test/**/*.test.ts');
const integration = new Set(globSync(INTEGRATION));
const wanted = process.env['SUITE'] === 'integration';

module.exports = {
  ...require('../.mocharc.json'),
  spec: all
    .filter((file) => integration.has(file) === wanted)
    .sort((one, other) => rank(one) - rank(other) || one.localeCompare(other)),
  parallel: true,
  // More than two processors, since most files wait most of the time.
  jobs: 4,
  reporter: 'test/support/reporter.cjs',
};
