import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { signalGroup } from './process-group.ts';

const WATCHDOG = fileURLToPath(new URL('./watchdog.ts', import.meta.url));

/** Knows every process group of the platform, and leaves none behind however the platform ends. */
export interface ProcessGuard {
  watch(leader: number): void;
  forget(leader: number): void;
  /** Ends the watchdog. */
  release(): void;
}

/**
 * Starts the watchdog, which acts where this process cannot (`kill -9`). An ordinary exit, also by an uncaught
 * exception, kills what is left at once.
 */
export function startProcessGuard(): ProcessGuard {
  const groups = new Set<number>();
  const watchdog = spawn(process.execPath, [WATCHDOG], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  watchdog.stdin.on('error', () => {}); // Without a watchdog the guard still holds for an ordinary exit.
  const killAll = () => {
    for (const leader of groups) signalGroup(leader, 'SIGKILL');
  };
  process.on('exit', killAll);
  return {
    watch(leader) {
      groups.add(leader);
      watchdog.stdin.write(`+${leader}\n`);
    },
    forget(leader) {
      groups.delete(leader);
      watchdog.stdin.write(`-${leader}\n`);
    },
    release() {
      process.off('exit', killAll);
      watchdog.stdin.end();
    },
  };
}
