/**
 * Runs before every npm script, also by an old Node: brings node_modules in line with package-lock.json, and checks
 * that `node` is new enough. Says nothing where nothing is to be done.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const LOCKFILE = join(PROJECT, 'package-lock.json');
/** Written by us, with the SHA-256 of the lockfile that node_modules was installed from. */
const STAMP = join(PROJECT, 'node_modules/.fileshare-lock');
/** Written by npm: what it has installed. */
const INSTALLED = join(PROJECT, 'node_modules/.package-lock.json');
/** Held while installing; outside node_modules, which `npm ci` removes. */
const MUTEX = join(PROJECT, '.local/installing');
const NODE_AT_LEAST = 24;
const POLL_MS = 200;

try {
  if (!upToDate()) await installOnce();
  checkNode();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

function upToDate() {
  const wanted = createHash('sha256').update(readFileSync(LOCKFILE)).digest('hex');
  if (readOr(STAMP, '') === wanted) return true;
  if (!installedByHand()) return false;
  writeFileSync(STAMP, wanted);
  return true;
}

/** True where somebody ran `npm ci` or `npm install` since: nothing that the lockfile asks for differs. */
function installedByHand() {
  const wanted = JSON.parse(readFileSync(LOCKFILE, 'utf8')).packages;
  const installed = JSON.parse(readOr(INSTALLED, '{}')).packages ?? {};
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    const have = installed[path];
    if (path === '') return true;
    if (!have) return optional === true;
    return have.version === version && have.integrity === integrity;
  });
}

/** Lets one of several processes install, while the others wait for it. */
async function installOnce() {
  mkdirSync(dirname(MUTEX), { recursive: true });
  for (let attempt = 0; !takeMutex(); attempt += 1) {
    if (attempt === 1) console.log('Waiting for another process that is installing packages…');
    await delay(POLL_MS);
    if (upToDate()) return;
  }
  try {
    if (!upToDate()) install();
  } finally {
    rmSync(MUTEX, { force: true });
  }
}

function takeMutex() {
  try {
    writeFileSync(MUTEX, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    const holder = readOr(MUTEX, '');
    // An empty file is one that its writer is about to fill.
    if (holder !== '' && !alive(Number(holder))) rmSync(MUTEX, { force: true });
    return false;
  }
}

function install() {
  process.stdout.write('Installing packages… ');
  const startedAt = Date.now();
  const { status, output } = npm('ci');
  if (status !== 0) throw new Error(`failed.\n${output}`);
  writeFileSync(STAMP, createHash('sha256').update(readFileSync(LOCKFILE)).digest('hex'));
  console.log(`done in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
}

/** Runs the npm that runs us, whatever else is on the PATH. */
function npm(...command) {
  const args = [...command, '--no-audit', '--no-fund', '--loglevel=error'];
  const script = process.env.npm_execpath;
  const [program, ...rest] = script?.endsWith('.js') ? [process.execPath, script, ...args] : ['npm', ...args];
  const { status, stdout, stderr, error } = spawnSync(program, rest, { cwd: PROJECT, encoding: 'utf8' });
  return { status, output: [stdout, stderr, error?.message].filter(Boolean).join('') };
}

/** The `node` that the script after us will be run by: npm puts node_modules/.bin, and so our own, first. */
function checkNode() {
  if (major(process.version) >= NODE_AT_LEAST) return;
  const { stdout } = spawnSync('node', ['--version'], { encoding: 'utf8' });
  if (major(stdout ?? '') >= NODE_AT_LEAST) return;
  const found = stdout ? `this one is ${stdout.trim()}` : 'there is none on the PATH';
  throw new Error(
    `HOPS Fileshare needs Node ${NODE_AT_LEAST} or later, and ${found}: https://nodejs.org/en/download`,
  );
}

function major(version) {
  return Number(/^v(\d+)/.exec(version)?.[1] ?? 0);
}

function alive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function readOr(path, otherwise) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return otherwise;
    throw error;
  }
}
