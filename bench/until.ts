import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

/** Looks again and again. @throws {Error} where it is not so after `seconds` */
export async function until(holds: () => Promise<boolean>, seconds = 30): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not so within ${seconds} s: ${holds}`);
    await delay(POLL_MS);
  }
}
