/**
 * A separate process that outlives a `kill -9` of the platform. It is told on its standard input which process
 * groups exist (`+pid` and `-pid`, one a line); when that pipe ends, it ends those that are left.
 */
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { groupAlive, signalGroup } from './process-group.ts';

/** Time for processes that clean up, such as clamd with its temporary files. */
const GRACE_MS = 2_000;
const POLL_MS = 20;

const groups = new Set<number>();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) groups.add(pid);
  else groups.delete(pid);
}

for (const pid of groups) signalGroup(pid, 'SIGTERM');
const deadline = Date.now() + GRACE_MS;
while (Date.now() < deadline && [...groups].some(groupAlive)) await delay(POLL_MS);
for (const pid of groups) signalGroup(pid, 'SIGKILL');
process.exit();
