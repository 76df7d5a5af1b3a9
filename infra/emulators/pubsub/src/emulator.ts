import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { ServerCredentials } from '@grpc/grpc-js';
import { EmulatedIam, type IamOptions } from '../../common/iam/emulated-iam.ts';
import type { Latency } from '../../common/latency/latency.ts';
import type { BacklogCap } from './core/backlog.ts';
import { Broker } from './core/broker.ts';
import { type Clock, systemClock } from './core/clock.ts';
import { Faults } from './faults/faults.ts';
import { grpcServer } from './grpc/grpc-server.ts';
import { pushSender } from './push/push-sender.ts';
import { ephemeralMinter, minterOf, type PushTokenMinter } from './push/push-token.ts';
import { restServer } from './rest/rest-server.ts';
import { PubSubService } from './service.ts';
import { sniff } from './sniff.ts';

export interface PubSubEmulatorOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  readonly clock?: Clock;
  /** Limits of each subscription; the oldest messages go first. 100 000 messages and 256 MiB by default. */
  readonly cap?: BacklogCap;
  /** Milliseconds that a Pull waits for its first message; 5 000 by default. */
  readonly pullWait?: number;
  /** Signs the tokens of authenticated push; by default as `iam` does, or with a key of this process, see /_emulator/jwks. */
  readonly minter?: PushTokenMinter;
  /** Restricts publishing; by default everybody may publish everywhere. */
  readonly iam?: IamOptions;
  /** How long calls take; nothing is added by default. */
  readonly latency?: Latency;
  /** Takes one line at a time; standard error by default. */
  readonly log?: (line: string) => void;
}

export interface PubSubEmulator {
  /** 'host:port', the value for PUBSUB_EMULATOR_HOST. */
  readonly host: string;
  /** Plans faults for tests. */
  readonly faults: Faults;
  /** Ends all calls and connections and frees the port. Everything published is forgotten. */
  stop(): Promise<void>;
}

/**
 * Pub/Sub on one port, as Google's emulator serves it: gRPC for the client libraries (HTTP/2 without TLS) and JSON
 * over HTTP/1.1. Everything is in memory. Rejects where the port cannot be taken.
 */
export async function startPubSubEmulator(options: PubSubEmulatorOptions = {}): Promise<PubSubEmulator> {
  const { host = '127.0.0.1', port = 0, clock = systemClock, pullWait = 5000 } = options;
  const { cap = { messages: 100_000, bytes: 256 * 1024 * 1024 } } = options;
  const iam = options.iam && new EmulatedIam(options.iam);
  const minter = options.minter ?? (iam ? minterOf(iam.tokens) : ephemeralMinter());
  const { log = (line: string) => console.warn(line) } = options;
  const broker = new Broker({ clock, cap, log, send: pushSender(minter) });
  const faults = new Faults(clock);
  const service = new PubSubService(broker, faults, { clock, pullWait }, { iam, latency: options.latency });
  const grpc = grpcServer(service);
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const rest = restServer(service, minter);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that resets its connection ends its own calls; the front ends see that themselves.
    socket.on('error', () => socket.destroy());
    sniff(
      socket,
      (connection) => injector.injectConnection(connection),
      (connection) => rest.emit('connection', connection),
    );
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  const taken = typeof address === 'object' && address ? address.port : port;
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    const closed = once(server, 'close');
    server.close();
    faults.clear();
    broker.close();
    injector.destroy();
    grpc.forceShutdown();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    host: `${host}:${taken}`,
    faults,
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}
