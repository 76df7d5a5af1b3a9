import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { ScanFault } from '../../../shared/scanning/verdict.ts';
import { guarded } from './clients.ts';
import { type HostileServer, hostileServer, replyAfterStream } from './hostile.ts';

/** Not a multiple of anything; larger than all buffers between here and the server. */
const BYTES = 30_000_001;
const FILE = 'a file';
/** The bytes that clamd gets. */
const ONE_FRAME = 'zINSTREAM\0'.length + 4 + FILE.length + 4;

describe('feeding clamd', () => {
  it('may be overwritten by its source once the next is asked for', async () => {
    const expected = createHash('sha256');
    const received: Buffer[] = [];
    await using server = await hostileServer((socket) => {
      replyAfterStream('stream: OK\0')(socket);
      socket.on('data', (data: Buffer) => received.push(data));
      slowly(socket);
    });
    async function* source() {
      const memory = Buffer.alloc(100_000);
      for (let left = BYTES; left > 0; left -= memory.length) {
        const piece = memory.subarray(0, left);
        piece.set(randomBytes(piece.length));
        expected.update(piece);
        yield piece;
        memory.fill(0);
      }
    }
    const verdict = await guarded(server).scan(source(), { size: BYTES });
    assert.deepEqual(verdict, { kind: 'clean' });
    assert.equal(payloadDigest(Buffer.concat(received)), expected.digest('hex'));
  });

  it('has no verdict where clamdjs wrote anything else beside it', async () => {
    const extra = 'some more';
    for (const [written, outcome] of [
      ['', { kind: 'clean' }],
      [extra, 'protocol'],
    ] as const) {
      await using server = await hostileServer(replyAfter(ONE_FRAME + written.length));
      const verdict = scanned(server, (socket) => socket.on('ready', () => socket.write(written)));
      assert.deepEqual(await verdict.catch((fault: ScanFault) => fault.code), outcome);
    }
  });
});

async function scanned(server: HostileServer, interfere: (socket: Socket) => void) {
  const take = (message: unknown): void => interfere((message as { socket: Socket }).socket);
  async function* source() {
    yield Buffer.from(FILE);
  }
  subscribe('net.client.socket', take);
  const verdict = guarded(server).scan(source(), { size: FILE.length });
  unsubscribe('net.client.socket', take);
  return verdict;
}

/** Finds everything clean once so many bytes are there, whatever they are. */
function replyAfter(bytes: number): (socket: Socket) => void {
  return (socket) => {
    socket.on('data', () => {
      if (socket.bytesRead >= bytes) socket.end('stream: OK\0');
    });
  };
}

/** Stops reading now and then, so that what is written has to wait. */
async function slowly(socket: Socket): Promise<void> {
  for (let stops = 0; stops < 20; stops++) {
    socket.pause();
    await pause(10);
    socket.resume();
    await pause(5);
  }
}

/** SHA-256, in hex, of what the frames hold. */
function payloadDigest(stream: Buffer): string {
  const hash = createHash('sha256');
  for (let at = 'zINSTREAM\0'.length; ; ) {
    const length = stream.readUInt32BE(at);
    if (length === 0) return hash.digest('hex');
    hash.update(stream.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
}
