import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Recognise } from './clamd-commands.ts';

/** The fault of a connection in place of passing it on; its first bytes are still to be read. */
export type Behaviour = (socket: Socket) => void;

interface Plan {
  readonly behave: Behaviour;
  readonly recognise: Recognise;
  left: number;
}

/** A TCP proxy on 127.0.0.1 between a function and what it talks to, which can be told to misbehave. */
export class Gate {
  /** Where connections are passed on to. */
  upstream = 0;
  /** Refuses everybody. */
  shut = false;
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  readonly #sockets = new Set<Socket>();
  readonly #misused = new Set<Socket>();
  #plans: Plan[] = [];
  #struck = 0;

  get port(): number {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the gate is not open');
    return address.port;
  }

  /** How many connections met a planned behaviour since the last {@link clear}. */
  get struck(): number {
    return this.#struck;
  }

  async open(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** The next `times` connections that are meant are met with `behave`. */
  plan(behave: Behaviour, times: number, recognise: Recognise): void {
    this.#plans.push({ behave, recognise, left: times });
  }

  /** Forgets the plans, opens again, and cuts the connections that were misused. */
  clear(): void {
    this.#plans = [];
    this.#struck = 0;
    this.shut = false;
    for (const socket of this.#misused) socket.destroy();
  }

  /** Cuts every connection there is. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #accept(socket: Socket): void {
    socket.on('error', () => undefined);
    if (this.shut) {
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#misused.delete(socket);
    });
    let first = Buffer.alloc(0);
    // In both protocols it is the client that speaks first.
    const listen = (data: Buffer): void => {
      first = Buffer.concat([first, data]);
      const meant = this.#plans.map((plan) => plan.left > 0 && plan.recognise(first));
      if (!meant.includes(true) && meant.includes(undefined)) return;
      socket.off('data', listen).pause();
      socket.unshift(first);
      this.#meet(socket, this.#plans[meant.indexOf(true)]);
    };
    socket.on('data', listen);
  }

  #meet(socket: Socket, plan: Plan | undefined): void {
    if (!plan) {
      this.#pass(socket);
      return;
    }
    plan.left -= 1;
    this.#struck += 1;
    this.#misused.add(socket);
    // Flows from the next tick on, into whatever `behave` attaches, unless that pauses it.
    socket.resume();
    plan.behave(socket);
  }

  #pass(socket: Socket): void {
    const onward = connect({ port: this.upstream, host: '127.0.0.1', allowHalfOpen: true });
    onward.on('error', () => socket.resetAndDestroy());
    onward.once('close', () => socket.destroy());
    socket.once('close', () => onward.destroy());
    socket.pipe(onward).pipe(socket);
  }
}
