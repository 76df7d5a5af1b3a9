import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** The line between a browser and the service, which can be held up, cut and repaired. */
export class Line {
  readonly #server = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  #target = 0;
  #cut = false;
  #left = Number.POSITIVE_INFINITY;
  #held = Promise.withResolvers<void>();
  readonly #waiting: (() => void)[] = [];

  constructor(target: () => string) {
    before(async () => {
      this.#target = Number(new URL(target()).port);
      this.#server.listen(0, '127.0.0.1');
      await once(this.#server, 'listening');
    });
    after(() => {
      this.cut();
      this.#server.close();
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Blocks the connection after so many more bytes from the browser. */
  holdAfter(bytes: number): Promise<void> {
    this.#left = bytes;
    this.#held = Promise.withResolvers();
    return this.#held.promise;
  }

  /** Lets through what is held up. */
  release(): void {
    this.#left = Number.POSITIVE_INFINITY;
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  /** Breaks every connection, and takes no other. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
    this.release();
  }

  mend(): void {
    this.#cut = false;
  }

  #join(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#cut) return void client.destroy();
    const service = connect(this.#target, '127.0.0.1');
    service.on('error', () => undefined);
    for (const [socket, other] of [
      [client, service],
      [service, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    service.pipe(client);
    client.on('data', (piece: Buffer) => {
      this.#left -= piece.length;
      if (this.#left > 0) return pass(client, service, piece);
      client.pause();
      this.#waiting.push(() => pass(client, service, piece));
      // Others go on: only this connection waits.
      this.#left = Number.POSITIVE_INFINITY;
      this.#held.resolve();
    });
  }
}

function pass(from: Socket, to: Socket, piece: Buffer): void {
  if (to.destroyed) return;
  if (to.write(piece)) return void from.resume();
  from.pause();
  to.once('drain', () => from.resume());
}
