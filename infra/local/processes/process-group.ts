/** ESRCH: nobody is left. EPERM: on macOS, only zombies are. */
const GONE = new Set(['ESRCH', 'EPERM']);

/** Sends a signal to a process group; false where it has gone already. */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-leader, signal);
  } catch (error) {
    if (GONE.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** True while any process of the group is there, its leader or not. */
export function groupAlive(leader: number): boolean {
  return signalGroup(leader, 0);
}
