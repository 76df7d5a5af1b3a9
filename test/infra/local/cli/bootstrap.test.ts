import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const LOCK = { packages: { '': {}, 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } } };

/** Plays npm: notes that it was called, and installs what the lockfile says. */
const NPM = `
  const { appendFileSync, cpSync, existsSync, mkdirSync } = require('node:fs');
  appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n');
  if (existsSync('broken')) { console.error('npm error network'); process.exit(7); }
  mkdirSync('node_modules', { recursive: true });
  cpSync('package-lock.json', 'node_modules/.package-lock.json');
`;

describe('bootstrap', () => {
  let project: string;

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'fileshare-'));
    mkdirSync(join(project, 'infra/local'), { recursive: true });
    cpSync(
      new URL('../../../../infra/local/cli/bootstrap.mjs', import.meta.url),
      join(project, 'infra/local/cli/bootstrap.mjs'),
    );
    write('npm.js', NPM);
    write('package-lock.json', JSON.stringify(LOCK));
  });

  afterEach(() => rmSync(project, { recursive: true }));

  const write = (path: string, content: string) => writeFileSync(join(project, path), content);
  const calls = () =>
    existsSync(join(project, 'calls')) ? readFileSync(join(project, 'calls'), 'utf8') : '';

  async function run(): Promise<{ code: number; stdout: string; stderr: string }> {
    const env = { PATH: process.env['PATH'], npm_execpath: join(project, 'npm.js') };
    const child = spawn(process.execPath, ['infra/local/cli/bootstrap.mjs'], { cwd: project, env });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    return { code, stdout, stderr };
  }

  it('installs on a fresh clone in one line, and has nothing to say the next time', async () => {
    const first = await run();
    assert.match(first.stdout, /^Installing packages… done in \d+ s\.\n$/);
    assert.equal(first.code, 0);
    assert.match(calls(), /^ci .*\n$/);
    assert.deepEqual(await run(), { code: 0, stdout: '', stderr: '' });
    assert.equal(calls().split('\n').length, 2);
  });

  it('installs again when the lockfile has changed', async () => {
    await run();
    write(
      'package-lock.json',
      JSON.stringify({ packages: { ...LOCK.packages, 'node_modules/b': { version: '2' } } }),
    );
    assert.match((await run()).stdout, /Installing/);
  });

  it('takes over what somebody installed by hand, without optional packages for other machines', async () => {
    const windows = { version: '1.0.0', integrity: 'sha512-w', optional: true };
    write('package-lock.json', JSON.stringify({ packages: { ...LOCK.packages, 'node_modules/w': windows } }));
    mkdirSync(join(project, 'node_modules'));
    write('node_modules/.package-lock.json', JSON.stringify(LOCK));
    assert.deepEqual(await run(), { code: 0, stdout: '', stderr: '' });
    assert.equal(calls(), '');
  });

  it('installs where what is there has another version', async () => {
    mkdirSync(join(project, 'node_modules'));
    const other = { packages: { 'node_modules/a': { version: '0.9.0', integrity: 'sha512-o' } } };
    write('node_modules/.package-lock.json', JSON.stringify(other));
    assert.match((await run()).stdout, /Installing/);
  });

  it('installs once when two commands start at the same time', async () => {
    const results = await Promise.all([run(), run(), run()]);
    assert.deepEqual(
      results.map(({ code }) => code),
      [0, 0, 0],
    );
    assert.equal(calls().trim().split('\n').length, 1);
  });

  it('shows what npm said when it fails, and tries again the next time', async () => {
    write('broken', '');
    const { code, stderr } = await run();
    assert.equal(code, 1);
    assert.match(stderr, /npm error network/);
    rmSync(join(project, 'broken'));
    assert.equal((await run()).code, 0);
  });

  it('is not held up by an installation that was killed', async () => {
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    mkdirSync(join(project, '.local'));
    write('.local/installing', String(dead.pid));
    assert.equal((await run()).code, 0);
    assert.match(calls(), /^ci/);
  });
});
