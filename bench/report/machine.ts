import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { GIB } from '../scale.ts';

/** Where and when it was measured. */
export interface Machine {
  readonly date: string;
  readonly node: string;
  readonly kernel: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly clamd: string;
  /** Load average of the minute before: with more than a little of it, others were at work too. */
  readonly loadBefore: number;
}

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString(),
    node: process.version,
    kernel: release(),
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / GIB),
    clamd: versionOf('clamd'),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

function versionOf(command: string): string {
  try {
    return execFileSync(command, ['--version'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
