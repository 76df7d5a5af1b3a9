import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { mock } from 'node:test';
import { isCleanReply } from 'clamdjs';
import { CLAMAV_MAX_SCAN_MS } from '../../../shared/scanning/clamd.ts';
import { BARE_TIMEOUT_MS, bare, guarded } from './clients.ts';
import { hostileServer, replyAfterStream, replyEarly } from './hostile.ts';
import { chunks, stalling, zeros } from './sources.ts';

describe('clamdjs and replies, alone and guarded', () => {
  describe('an error that contains the letters OK', () => {
    for (const reply of ['TOKEN mismatch ERROR\0', 'stream: BROKEN zip ERROR\0']) {
      it(`alone: ${JSON.stringify(reply)} is clean`, async () => {
        await using server = await hostileServer(replyAfterStream(reply));
        const received = await bare(server).scanStream(Readable.from(['x']), BARE_TIMEOUT_MS);
        assert.equal(isCleanReply(received), true);
      });

      it(`guarded: ${JSON.stringify(reply)} is a fault`, async () => {
        await using server = await hostileServer(replyAfterStream(reply));
        await assert.rejects(guarded(server).scan(chunks('x'), { size: 1 }), { code: 'clamdError' });
      });
    }
  });

  describe('a reply before the end of the stream', () => {
    it('alone: leaves the source paused, and not destroyed', async () => {
      await using server = await hostileServer(replyEarly('stream: OK\0'));
      const source = Readable.from(zeros(64 * 2 ** 20));
      await assert.rejects(bare(server).scanStream(source, BARE_TIMEOUT_MS));
      assert.equal(source.isPaused(), true);
      assert.equal(source.destroyed, false);
      source.destroy();
    });

    for (const reply of [
      'stream: OK\0',
      'stream: Eicar FOUND\0',
      'stream: Heuristics.Encrypted.Zip FOUND\0',
    ]) {
      it(`guarded: voids ${JSON.stringify(reply)}, and destroys the source`, async () => {
        await using server = await hostileServer(replyEarly(reply));
        const source = Readable.from(zeros(64 * 2 ** 20));
        const scan = guarded(server).scan(source, { size: 64 * 2 ** 20 });
        await assert.rejects(scan, { code: 'protocol' });
        assert.equal(source.destroyed, true);
      });
    }

    it('guarded: voids a clean reply to a file whose last bytes have not left', async () => {
      await using server = await hostileServer((socket) => {
        socket.once('readable', () => socket.write('stream: OK\0'));
      });
      const size = 64 * 2 ** 20;
      const scan = guarded(server, { totalTimeoutMs: 500 }).scan(chunks(Buffer.alloc(size)), { size });
      await assert.rejects(scan, { name: 'ScanFault' });
    });
  });

  describe('other endings', () => {
    it('alone: no reply at all resolves', async () => {
      await using server = await hostileServer(replyAfterStream(''));
      assert.equal(await bare(server).scanStream(Readable.from(['x']), BARE_TIMEOUT_MS), '');
    });

    it('guarded: no reply at all is a fault', async () => {
      await using server = await hostileServer(replyAfterStream(''));
      await assert.rejects(guarded(server).scan(chunks('x'), { size: 1 }), { code: 'connectionLost' });
    });

    for (const [what, replied] of [
      ['to a stream that has ended', replyAfterStream],
      ['to a stream that goes on', replyEarly],
    ] as const) {
      it(`guarded: the size limit is the same verdict ${what}`, async () => {
        await using server = await hostileServer(replied('INSTREAM size limit exceeded. ERROR\0'));
        const size = 16 * 2 ** 20;
        const verdict = await guarded(server).scan(zeros(size), { size });
        assert.deepEqual(verdict, { kind: 'unscannable', reason: 'tooLarge' });
      });
    }

    it('guarded: the size limit is the same verdict if the connection is reset behind it', async () => {
      await using server = await hostileServer((socket) => {
        socket.once('data', () => {
          socket.write('INSTREAM size limit exceeded. ERROR\0', () => socket.resetAndDestroy());
          socket.pause();
        });
      });
      const size = 16 * 2 ** 20;
      // A reset may also overtake the reply. Then nothing is known, and it is tried again.
      const outcome = await guarded(server)
        .scan(zeros(size), { size })
        .then((verdict) => verdict.kind === 'unscannable' && verdict.reason)
        .catch((error: Error & { code: string }) => error.code);
      assert.match(`${outcome}`, /^(tooLarge|connectionLost)$/);
    });

    it('guarded: a full disk is a separate fault', async () => {
      await using server = await hostileServer(replyEarly('Error writing to temporary file ERROR\0'));
      const size = 16 * 2 ** 20;
      await assert.rejects(guarded(server).scan(zeros(size), { size }), { code: 'outOfTempSpace' });
    });

    describe('guarded: the time of a scan that is up', () => {
      const name = 'Heuristics.Limits.Exceeded.MaxScanTime';
      afterEach(() => mock.restoreAll());

      it('is a verdict where that time went by', async () => {
        await using server = await hostileServer(replyAfterStream(`stream: ${name} FOUND\0`));
        const scan = guarded(server).scan(chunks('x'), { size: 1 });
        const later = performance.now() + CLAMAV_MAX_SCAN_MS;
        mock.method(performance, 'now', () => later);
        assert.deepEqual(await scan, { kind: 'unscannable', reason: 'limitExceeded', detail: name });
      });

      it("is a fault where it is the clock's alone", async () => {
        await using server = await hostileServer(replyAfterStream(`stream: ${name} FOUND\0`));
        await assert.rejects(guarded(server).scan(chunks('x'), { size: 1 }), { code: 'timeout' });
      });

      it('is the time that clamd is given', async () => {
        const conf = await readFile(new URL('../../../infra/clamav/clamd.conf', import.meta.url), 'utf8');
        assert.match(conf, new RegExp(`^MaxScanTime ${CLAMAV_MAX_SCAN_MS}$`, 'm'));
      });
    });

    it('guarded: a clean reply on a connection that then breaks is a fault', async () => {
      await using server = await hostileServer((socket) => {
        socket.once('data', () => socket.write('stream: OK\0', () => socket.resetAndDestroy()));
      });
      await assert.rejects(guarded(server).scan(chunks('x'), { size: 1 }), { name: 'ScanFault' });
    });

    it('guarded: a server that does not stop talking is a fault', async () => {
      await using server = await hostileServer((socket) => socket.write(Buffer.alloc(2 ** 20, 'A')));
      await assert.rejects(guarded(server).scan(stalling(), { size: 1 }), { code: 'protocol' });
    });

    it('guarded: a server that replies but does not hang up is a timeout', async () => {
      await using server = await hostileServer((socket) => {
        socket.once('data', () => socket.write('stream: OK\0'));
      });
      const scan = guarded(server, { totalTimeoutMs: 100 }).scan(chunks(), { size: 0 });
      await assert.rejects(scan, { code: 'timeout' });
    });
  });
});
