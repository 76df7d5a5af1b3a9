import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { ping, version } from 'clamdjs';
import type { Clamd } from '../../../shared/scanning/clamd.ts';
import { bare, guarded, isPending, socketOf } from './clients.ts';
import { hostileServer, silent } from './hostile.ts';
import { chunks, stalling, zeros } from './sources.ts';

describe('how clamdjs waits, alone and guarded', () => {
  describe('deadlines', () => {
    it('alone: 0 does not mean none, Infinity throws, and a scan that is slow was "connecting"', async () => {
      await using server = await hostileServer(silent);
      const scan = (timeout: number) => bare(server).scanStream(Readable.from(['x']), timeout);
      await assert.rejects(scan(0), { message: 'Timeout connecting to server' });
      await assert.rejects(scan(Number.POSITIVE_INFINITY), { code: 'ERR_OUT_OF_RANGE' });
      await assert.rejects(scan(50), { message: 'Timeout connecting to server' });
    });

    it('guarded: a scan that gets no answer is a timeout', async () => {
      await using server = await hostileServer(silent);
      const scan = guarded(server, { totalTimeoutMs: 50 }).scan(chunks('x'), { size: 1 });
      await assert.rejects(scan, { code: 'timeout', message: 'no answer within 50 ms' });
    });

    it('guarded: a source that stalls is a timeout, and is destroyed', async () => {
      await using server = await hostileServer(silent);
      const source = stalling(Buffer.from('half'));
      const scan = guarded(server, { idleTimeoutMs: 50 }).scan(source, { size: 8 });
      await assert.rejects(scan, { code: 'timeout', message: 'the source gave no bytes for 50 ms' });
      assert.equal(source.destroyed, true);
    });

    it('guarded: a clamd that takes no more bytes is a timeout', async () => {
      await using server = await hostileServer((socket) => socket.pause());
      const size = 64 * 2 ** 20;
      const scan = guarded(server, { idleTimeoutMs: 100 }).scan(zeros(size), { size });
      await assert.rejects(scan, { code: 'timeout', message: 'clamd took no bytes for 100 ms' });
    });

    it('guarded: a connection that is not accepted is unreachable', async () => {
      // TEST-NET-1 (RFC 5737): nobody answers there, or the network says at once that it cannot be reached.
      const scanner = guarded({ host: '192.0.2.1', port: 3310 }, { connectTimeoutMs: 50 });
      await assert.rejects(scanner.scan(chunks('x'), { size: 1 }), { code: 'unreachable' });
    });

    for (const name of ['connectTimeoutMs', 'idleTimeoutMs', 'totalTimeoutMs'] as const) {
      it(`guarded: ${name} of no length, or of more than a timer can do, is refused`, () => {
        for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
          assert.throws(() => guarded({ host: 'localhost', port: 3310 }, { [name]: value }), RangeError);
        }
      });
    }
  });

  describe('ping and version on a silent server', () => {
    for (const { command, alone, ask } of [
      { command: 'ping', alone: ping, ask: (clamd: Clamd): Promise<unknown> => clamd.ping() },
      { command: 'version', alone: version, ask: (clamd: Clamd): Promise<unknown> => clamd.version() },
    ]) {
      it(`alone: ${command} stays pending beyond its timeout`, async () => {
        await using server = await hostileServer(silent);
        let answer: Promise<unknown> = Promise.resolve();
        const socket = socketOf(() => {
          answer = alone(server.host, server.port, 1);
        });
        await once(socket, 'timeout');
        assert.equal(await isPending(answer), true);
        socket.destroy();
      });

      it(`guarded: ${command} times out, and hangs up`, async () => {
        await using server = await hostileServer(silent);
        await assert.rejects(ask(guarded(server, { totalTimeoutMs: 50 })), { code: 'timeout' });
        await (await server.visit()).gone;
      });

      it(`guarded: ${command} is a fault if the connection is closed without an answer`, async () => {
        await using server = await hostileServer((socket) => socket.end());
        await assert.rejects(ask(guarded(server)), { code: 'connectionLost' });
      });

      it(`guarded: ${command} is a fault on any other answer`, async () => {
        await using server = await hostileServer((socket) =>
          socket.once('data', () => socket.end('HELLO\0')),
        );
        await assert.rejects(ask(guarded(server)), { code: 'protocol' });
      });
    }
  });

  describe('AbortSignal', () => {
    it('guarded: a scan that is aborted hangs up, and destroys the source', async () => {
      await using server = await hostileServer(silent);
      const caller = new AbortController();
      const source = stalling(Buffer.from('half'));
      const scan = guarded(server).scan(source, { size: 8, signal: caller.signal });
      const { socket, gone } = await server.visit();
      await once(socket, 'data');
      caller.abort(new Error('shutting down'));
      await assert.rejects(scan, { name: 'ScanFault', code: 'aborted' });
      await gone;
      assert.equal(source.destroyed, true);
    });

    it('guarded: a scan that was aborted before does not connect, and destroys the source', async () => {
      const source = stalling();
      const scan = guarded({ host: '127.0.0.1', port: 1 }).scan(source, {
        size: 8,
        signal: AbortSignal.abort(),
      });
      await assert.rejects(scan, { code: 'aborted' });
      assert.equal(source.destroyed, true);
    });

    it('guarded: version can be aborted', async () => {
      await using server = await hostileServer(silent);
      const caller = new AbortController();
      const version = guarded(server).version(caller.signal);
      await server.visit();
      caller.abort();
      await assert.rejects(version, { code: 'aborted' });
    });
  });
});
