import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../../..');

describe('publishing', () => {
  it('fails where the library of Pub/Sub cannot be loaded, and tries that anew the next time', async () => {
    // A separate process: here the library may be loaded already.
    const program = `
      import { registerHooks } from 'node:module';
      let broken = true;
      registerHooks({
        resolve(specifier, context, next) {
          if (broken && specifier === '@google-cloud/pubsub') throw new Error('cannot be loaded');
          return next(specifier, context);
        },
      });
      const { createPublisher } = await import('./shared/events/publisher.ts');
      const publisher = createPublisher('project', 'topic');
      const outcome = (promise) => promise.then(() => 'done', ({ message }) => message);
      const event = { data: Buffer.from('x'), attributes: {} };
      console.log(await outcome(publisher.load()));
      console.log(await outcome(publisher.publish(event)));
      broken = false;
      console.log(await outcome(publisher.load()));
      await publisher.close();
    `;
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT });
    assert.equal((await run).stdout, 'cannot be loaded\ncannot be loaded\ndone\n');
  });
});
