/** `npm run demo [-- FILE_OR_FOLDER...]`: the whole platform on free ports, and real files through it. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Platform, startPlatform } from '../platform/platform.ts';
import { readPlatformConfig } from '../processes/config.ts';
import { samples, samplesBelow } from '../samples/samples.ts';
import { TRIAL_COLUMNS, type Trial, tryOut } from './demo-trial.ts';
import { table } from './table.ts';
import { untilStopped } from './until-stopped.ts';

const PROJECT = resolve(import.meta.dirname, '../../..');
const PRINCIPAL = 'org:889640782';
const print = (line: string) => console.log(line);

async function tryAll(platform: Platform, signal: AbortSignal): Promise<readonly Trial[]> {
  const token = await platform.token(PRINCIPAL);
  const given = await Promise.all(process.argv.slice(2).map(samplesBelow));
  const trials: Trial[] = [];
  for (const sample of [...samples(), ...given.flat()]) {
    signal.throwIfAborted();
    trials.push(await tryOut(platform.url, token, sample, signal));
  }
  return trials;
}

function report(trials: readonly Trial[]): void {
  print(`\n${table(TRIAL_COLUMNS, trials)}\n`);
  const bad = trials.filter(({ faults }) => faults.length > 0);
  for (const { name, faults } of bad) console.error(`${name}: ${faults.join('; ')}.`);
  if (bad.length > 0) process.exitCode = 1;
  else print(`All ${trials.length} files came out as they should.`);
}

const stop = untilStopped(print);
let folder: string | undefined;
try {
  const config = readPlatformConfig(process.env, PROJECT);
  mkdirSync(config.data, { recursive: true });
  folder = mkdtempSync(join(config.data, 'demo-'));
  const ports = { port: 0, storagePort: 0, pubsubPort: 0 };
  const platform = await startPlatform({ ...config, ...ports, data: folder }, { print, signal: stop });
  try {
    print(`The platform runs at ${platform.url}/. Uploading…`);
    report(await tryAll(platform, stop));
  } finally {
    await platform.stop();
  }
} catch (error) {
  if (!stop.aborted) console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  if (folder) rmSync(folder, { recursive: true, force: true });
}
process.exit();
