import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';

/**
 * Far more than a parser takes whose work grows with the length of a header alone, all of them together; far less
 * than one whose work grows with its square takes for a megabyte.
 */
const DEADLINE_MS = 300_000;

describe('header parsers', () => {
  it('take no longer than the length of a header warrants, whatever it holds', async function () {
    this.timeout(DEADLINE_MS + 10_000);
    const worker = new Worker(new URL('./header-parsers.ts', import.meta.url));
    let at = 'the start';
    worker.on('message', (text: string) => {
      at = text;
    });
    const ended = new Promise<string>((resolve, reject) => {
      worker.once('error', (cause) => reject(new Error(`at ${at}`, { cause })));
      worker.once('exit', (code) => resolve(`exit code ${code}`));
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`not over at ${at}`), DEADLINE_MS);
    });
    try {
      assert.equal(await Promise.race([ended, late]), 'exit code 0');
    } finally {
      clearTimeout(timer);
      await worker.terminate();
    }
  });
});
