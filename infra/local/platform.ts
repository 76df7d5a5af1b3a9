import { join } from 'node:path';
import type { ChildSpec } from './child.ts';
import { ensureClamd } from './clamav/install.ts';
import type { PlatformConfig } from './config.ts';
import { createFinalizedEvents } from './finalized-events.ts';
import { lockFolder } from './folder-lock.ts';
import { startGateway } from './gateway.ts';
import { type Account, emailOf, localTokens, startIdentity } from './identity.ts';
import { createIssuer, type Issuer } from './issuer.ts';
import { localPages } from './local-pages.ts';
import { openLogbook } from './logbook.ts';
import { createLive } from './page/live.ts';
import { type PortRequest, reservePorts } from './ports.ts';
import { startProcessGuard } from './process-guard.ts';
import { describeProcesses, GCP_PROJECT, HOST, type Ports, pubsubHostOf, storageUrlOf } from './processes.ts';
import { createScanEvents } from './scan-events.ts';
import { postEvery } from './schedule.ts';
import type { PlatformStatus } from './status-page.ts';
import { type Supervised, supervise } from './supervisor.ts';

/** A function drains by itself in at most 8 s; Cloud Run gives it 10. */
const DRAIN_MS = 9_000;
const STOP_MS = 5_000;
const SLOW_START_MS = 5_000;

export interface PlatformOptions {
  /** The console: notices, and the children's warnings. */
  readonly print: (line: string) => void;
  /** Gives up a start that is under way. */
  readonly signal?: AbortSignal;
  /** What to start in place of a process as it is described, for tests: another environment, say. */
  readonly adapt?: (spec: ChildSpec) => ChildSpec;
  /** Milliseconds until a process that ended is started again, each time; by default it waits longer and longer. */
  readonly restartAfterMs?: number;
}

/** The whole product on one machine. */
export interface Platform {
  /** Of the gateway, without a slash at the end. */
  readonly url: string;
  readonly storageUrl: string;
  /** `host:port`. */
  readonly pubsubHost: string;
  /** Of the function itself: the gateway does not lead there. */
  readonly sweeperUrl: string;
  /** A JWT of the development issuer. */
  readonly token: Issuer['token'];
  /** An access token for the emulators; the administrator's by default. */
  accessToken(account?: Account): Promise<string>;
  /** An identity token, for a service that `audience` is the URL of. */
  identityToken(account: Account, audience: string): Promise<string>;
  status(): PlatformStatus;
  /** Drains: gateway, functions, emulators, clamd. Resolves when no process is left. */
  stop(): Promise<void>;
}

/**
 * Starts everything at once and resolves when all of it serves. Rejects, with nothing left behind, with
 * FolderInUseError, BusyPortError, StartupError, or the reason of `signal`.
 */
export async function startPlatform(config: PlatformConfig, options: PlatformOptions): Promise<Platform> {
  await using undo = new AsyncDisposableStack();
  const lock = lockFolder(config.data);
  undo.defer(() => lock.release());
  const ports = await takePorts(config);
  await ensureClamd({ log: options.print });
  const abandoned = new AbortController();
  undo.defer(() => abandoned.abort());
  const pubsubHost = pubsubHostOf(config, ports);
  const live = createLive(pubsubHost, abandoned.signal);
  const logbook = openLogbook(join(config.data, 'logs'), options.print, live.read);
  undo.defer(() => logbook.close());
  const guard = startProcessGuard();
  undo.defer(() => guard.release());

  const url = `http://${HOST}:${ports.gateway}`;
  const storageUrl = storageUrlOf(config, ports);
  const sweeperUrl = `http://${HOST}:${ports.sweeper}`;
  const issuer = await createIssuer(config.data, url);
  const identity = await startIdentity(config.data, { host: HOST, project: GCP_PROJECT });
  undo.defer(() => identity.close());
  const tokens = localTokens(config.data);
  const children: Supervised[] = [];
  let developmentSignatures: boolean | undefined;
  const status = (): PlatformStatus => ({
    ready: children.every((child) => child.status().state === 'ready'),
    developmentSignatures,
    url,
    storageUrl,
    pubsubHost,
    sweeperUrl,
    data: config.data,
    processes: children.map((child) => child.status()),
  });
  const gateway = await startGateway({
    host: HOST,
    port: ports.gateway,
    upstreams: { upload: { host: HOST, port: ports.upload }, files: { host: HOST, port: ports.files } },
    local: localPages({ issuer, status, live }),
  });
  undo.defer(() => gateway.close());
  lock.announce(url);

  const signal = AbortSignal.any([abandoned.signal, ...(options.signal ? [options.signal] : [])]);
  const prepareEvents = async () => {
    const endpoints = {
      scanner: `http://${HOST}:${ports.scanner}/`,
      deadLetters: `${sweeperUrl}/dead-letters`,
    };
    await createScanEvents(pubsubHost, signal);
    await createFinalizedEvents(pubsubHost, endpoints, signal);
  };
  const start = (spec: ChildSpec, onReady?: () => Promise<void>): Supervised => {
    const child = supervise(options.adapt?.(spec) ?? spec, {
      guard,
      logbook,
      ...(onReady && { onReady }),
      ...(options.restartAfterMs !== undefined && { restartAfterMs: options.restartAfterMs }),
    });
    children.push(child);
    return child;
  };
  const { clamd, storage, pubsub, functions } = describeProcesses(config, ports, identity);
  const engine = start(clamd);
  undo.defer(() => engine.stop(STOP_MS));
  const emulators = [...(storage ? [start(storage)] : []), ...(pubsub ? [start(pubsub, prepareEvents)] : [])];
  undo.defer(() => stopAll(emulators, STOP_MS));
  const served = functions.map((spec) => start(spec));
  undo.defer(() => stopAll(served, DRAIN_MS));
  undo.defer(() => {
    abandoned.abort();
    gateway.stopAccepting();
  });

  using _ = noticeSlowStart(children, logbook.notice);
  await unlessAborted(signal, [
    ...children.map((child) => child.ready),
    ...(config.pubsubEmulatorHost ? [prepareEvents()] : []),
  ]);
  developmentSignatures = (await engine.ready)['development'] === true;
  const schedule = () => tokens.identity(emailOf('schedule'), sweeperUrl);
  void postEvery(config.sweepIntervalSeconds, `${sweeperUrl}/sweep`, schedule, signal);
  void postEvery(config.collectIntervalSeconds, `${sweeperUrl}/collect`, schedule, signal);

  const running = undo.move();
  let stopped: Promise<void> | undefined;
  return {
    url,
    storageUrl,
    pubsubHost,
    sweeperUrl,
    token: issuer.token,
    identityToken: (account, audience) => tokens.identity(emailOf(account), audience),
    accessToken: (account = 'administrator') => tokens.access(emailOf(account)),
    status,
    stop() {
      stopped ??= running.disposeAsync();
      return stopped;
    },
  };
}

async function takePorts(config: PlatformConfig): Promise<Ports> {
  const names = ['gateway', 'storage', 'pubsub', 'clamd', 'upload', 'files', 'scanner', 'sweeper'] as const;
  const any: PortRequest = { port: 0, variable: '' };
  const chosen: Partial<Record<(typeof names)[number], PortRequest>> = {
    gateway: { port: config.port, variable: 'PORT' },
    ...(!config.storageEmulatorHost && { storage: { port: config.storagePort, variable: 'STORAGE_PORT' } }),
    ...(!config.pubsubEmulatorHost && { pubsub: { port: config.pubsubPort, variable: 'PUBSUB_PORT' } }),
  };
  const taken = await reservePorts(
    HOST,
    names.map((name) => chosen[name] ?? any),
  );
  return Object.fromEntries(names.map((name, at) => [name, taken[at]])) as unknown as Ports;
}

/** A real signature database takes a minute to load: says what the start is waiting for. */
function noticeSlowStart(children: readonly Supervised[], notice: (line: string) => void): Disposable {
  const timer = setInterval(() => {
    const late = children.map((child) => child.status()).filter(({ state }) => state !== 'ready');
    notice(`Waiting for ${late.map(({ name }) => name).join(', ')}…`);
  }, SLOW_START_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function stopAll(children: readonly Supervised[], withinMs: number): Promise<void> {
  await Promise.all(children.map((child) => child.stop(withinMs)));
}

async function unlessAborted(signal: AbortSignal, work: readonly Promise<unknown>[]): Promise<void> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  signal.throwIfAborted();
  await Promise.race([Promise.all(work), aborted]);
}
