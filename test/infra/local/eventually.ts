import { setTimeout as delay } from 'node:timers/promises';

const WITHIN_MS = 120_000;

/** Resolves once the condition holds. Rejects where it has not come to hold within two minutes. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WITHIN_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`it did not come to this: ${condition}`);
    await delay(10);
  }
}
