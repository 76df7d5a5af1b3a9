import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { isCleanReply } from 'clamdjs';
import { EICAR } from '../../../shared/scanning/canary.ts';
import { sharedClamd, sharedScanner } from '../../support/clamd.ts';
import { BARE_TIMEOUT_MS, bare, guarded, isPending, socketOf } from './clients.ts';
import { hostileServer, replyAfterStream, silent } from './hostile.ts';
import { chunks, stalling } from './sources.ts';

/** Runs a module in a separate process. */
function runModule(code: string): Promise<{ exitCode: number; stderr: string }> {
  const options = { cwd: new URL('../../..', import.meta.url), timeout: 10_000 };
  return new Promise((resolve) => {
    execFile(process.execPath, ['--input-type=module', '-e', code], options, (error, _, stderr) =>
      resolve({ exitCode: Number(error?.code ?? 0), stderr }),
    );
  });
}

describe('clamdjs and sources, alone and guarded', () => {
  describe('an empty chunk in the source', () => {
    const parts = ['a harmless start ', '', EICAR];
    before(async () => {
      await sharedClamd();
    });

    it('alone: tells clamd that the file ends there', async () => {
      let replies = '';
      const note = (bytes: number) => {
        replies += `terminator after ${bytes}, `;
        return 'stream: OK\0';
      };
      await using server = await hostileServer(replyAfterStream(note));
      const received = await bare(server).scanStream(Readable.from(parts), BARE_TIMEOUT_MS);
      assert.equal(replies, 'terminator after 17, terminator after 85, ');
      assert.equal(isCleanReply(received), true);
    });

    it('guarded: is left out, and what follows is found', async () => {
      const scanner = await sharedScanner();
      const size = 'a harmless start '.length + EICAR.length;
      assert.equal((await scanner.scan(chunks(...parts), { size })).kind, 'infected');
    });
  });

  describe('a source that fails', () => {
    it('alone: before the connection stands, it ends the process', async () => {
      await using server = await hostileServer(silent);
      const { exitCode, stderr } = await runModule(`
        import { createScanner } from 'clamdjs';
        import { Readable } from 'node:stream';
        const source = new Readable({ read() {} });
        createScanner('127.0.0.1', ${server.port}).scanStream(source, 5000).catch(() => {});
        source.destroy(new Error('early'));`);
      assert.notEqual(exitCode, 0);
      assert.match(stderr, /Unhandled 'error' event[\s\S]*early/);
    });

    it('guarded: before the connection stands, it is a fault', async () => {
      await using server = await hostileServer(silent);
      const source = new Readable({ read() {} });
      const scan = guarded(server).scan(source, { size: 1 });
      source.destroy(new Error('early'));
      await assert.rejects(scan, (error: Error & { code: string }) => {
        assert.equal(error.code, 'sourceFailed');
        return error.cause instanceof Error && error.cause.message === 'early';
      });
    });

    it('alone: in mid-stream, the connection stays', async () => {
      await using server = await hostileServer(silent);
      const source = stalling(Buffer.from('half'));
      const scan = bare(server).scanStream(source, BARE_TIMEOUT_MS);
      const { socket } = await server.visit();
      await once(socket, 'data');
      source.destroy(new Error('broken'));
      await assert.rejects(scan, { message: 'broken' });
      for (let i = 0; i < 10; i++) await turn();
      assert.equal(socket.readableEnded || socket.destroyed, false);
    });

    it('guarded: in mid-stream, it is a fault, and the connection is closed', async () => {
      await using server = await hostileServer(silent);
      const source = stalling(Buffer.from('half'));
      const scan = guarded(server).scan(source, { size: 8 });
      const { socket, gone } = await server.visit();
      socket.once('data', () => source.destroy(new Error('broken')));
      await assert.rejects(scan, { code: 'sourceFailed' });
      await gone;
    });

    it('alone: by closing without an error, it leaves the scan pending', async () => {
      await using server = await hostileServer(silent);
      const source = stalling(Buffer.from('half'));
      let scan: Promise<unknown> = Promise.resolve();
      const socket = socketOf(() => {
        scan = bare(server)
          .scanStream(source, BARE_TIMEOUT_MS)
          .catch(() => {});
      });
      await once((await server.visit()).socket, 'data');
      source.destroy();
      await once(source, 'close');
      assert.equal(await isPending(scan), true);
      socket.destroy(new Error('enough'));
    });

    it('guarded: by closing without an error, it is a fault', async () => {
      await using server = await hostileServer(silent);
      const source = stalling(Buffer.from('half'));
      const scan = guarded(server).scan(source, { size: 8 });
      await once((await server.visit()).socket, 'data');
      source.destroy();
      await assert.rejects(scan, { code: 'sourceFailed' });
    });

    it('guarded: by having been closed before, it is a fault', async () => {
      await using server = await hostileServer(silent);
      const source = stalling();
      source.destroy();
      await once(source, 'close');
      await assert.rejects(guarded(server).scan(source, { size: 8 }), { code: 'sourceFailed' });
    });

    it('guarded: by throwing from a generator, it is a fault', async () => {
      await using server = await hostileServer(replyAfterStream('stream: OK\0'));
      async function* source() {
        yield Buffer.from('half');
        throw new Error('broken');
      }
      await assert.rejects(guarded(server).scan(source(), { size: 8 }), { code: 'sourceFailed' });
    });
  });
});
