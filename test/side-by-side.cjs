// The options that `npm test` adds to .mocharc.json: test files run side by side, in separate processes.
const { globSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

// For the processes that run the files, and those that tests start. Without coverage, Node's own cache does more.
if (process.env['NODE_V8_COVERAGE']) {
  const stripped = `--import=${pathToFileURL(join(__dirname, 'support/stripped.mjs'))}`;
  process.env['NODE_OPTIONS'] = [process.env['NODE_OPTIONS'], stripped].filter(Boolean).join(' ');
}

/** They take longest, so they come first: otherwise the last of them would run alone at the end. */
const LONGEST = [
  'test/integration/grants.test.ts',
  'test/contract/main-job.test.ts',
  'test/faults/faults.test.ts',
  'test/infra/local/cli/start.test.ts',
  'test/integration/upload.test.ts',
  'test/integration/sharing.test.ts',
  'test/integration/direct.test.ts',
  'test/model/life.test.ts',
  'test/infra/clamav/mirror-job.test.ts',
  'test/infra/clamav/entrypoint.test.ts',
];

/** The tests over HTTP take longer than the others. */
const rank = (file) => {
  const place = LONGEST.indexOf(file);
  if (place >= 0) return place;
  return LONGEST.length + (file.startsWith('test/integration/') ? 0 : 1);
};

module.exports = {
  ...require('../.mocharc.json'),
  spec: globSync('test/**/*.test.ts').sort(
    (one, other) => rank(one) - rank(other) || one.localeCompare(other),
  ),
  parallel: true,
  // More than two processors, since most files wait most of the time.
  jobs: 4,
  reporter: 'test/support/reporter.cjs',
};
