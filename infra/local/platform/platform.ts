import { join } from 'node:path';
import { ensureClamd } from '../clamav/install.ts';
import { createScanEvents } from '../events/scan-events.ts';
import { type Service, startFronts } from '../gateway/fronts.ts';
import { createGateway } from '../gateway/gateway.ts';
import { listen } from '../gateway/listening.ts';
import { createIssuer, type Issuer } from '../issuer/issuer.ts';
import { LogMetrics } from '../metrics/log-metrics.ts';
import { metricSources } from '../metrics/sources.ts';
import { createLive } from '../page/live.ts';
import { localPages } from '../page/local-pages.ts';
import type { PlatformStatus } from '../page/status-page.ts';
import { GCP_PROJECT, HOST, pubsubHostOf, storageUrlOf } from '../processes/addresses.ts';
import type { ChildSpec } from '../processes/child.ts';
import type { PlatformConfig } from '../processes/config.ts';
import { type Account, emailOf, localTokens, startIdentity } from '../processes/identity.ts';
import { openLogbook } from '../processes/logbook.ts';
import { startProcessGuard } from '../processes/process-guard.ts';
import { describeProcesses } from '../processes/processes.ts';
import { type Supervised, supervise } from '../processes/supervisor.ts';
import { createCallbacks } from './callbacks.ts';
import { createFinalizedEvents } from './finalized-events.ts';
import { lockFolder } from './folder-lock.ts';
import { runSchedules } from './schedule.ts';
import { takePorts } from './take-ports.ts';

/** A function drains in at most 8 s; Cloud Run gives it 10. */
const DRAIN_MS = 9_000;
const STOP_MS = 5_000;
const SLOW_START_MS = 5_000;

export interface PlatformOptions {
  /** The console: notices, and the children's warnings. */
  readonly print: (line: string) => void;
  /** Gives up a start that is under way. */
  readonly signal?: AbortSignal;
  /** The process to start instead of the described one, for tests: another environment, say. */
  readonly adapt?: (spec: ChildSpec) => ChildSpec;
  /** Milliseconds until a process that ended is started again, each time; by default it waits longer and longer. */
  readonly restartAfterMs?: number;
}

/** The whole product on one machine. */
export interface Platform {
  /** URL of the gateway, as of a load balancer: upload and files at one address. No URL here ends with a slash. */
  readonly url: string;
  /** URL of a service itself, as without a load balancer, by way of its front. */
  readonly uploadUrl: string;
  readonly filesUrl: string;
  readonly scannerUrl: string;
  readonly sweeperUrl: string;
  readonly auditorUrl: string;
  readonly exporterUrl: string;
  /** URL of a function itself, past its front, as a probe of Cloud Run asks it. */
  functionUrl(service: Service): string;
  readonly storageUrl: string;
  /** `host:port`. */
  readonly pubsubHost: string;
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
  // Before ports are chosen: it takes any, and would take one of those.
  const identity = await startIdentity(config.data, { host: HOST, project: GCP_PROJECT });
  undo.defer(() => identity.close());
  const ports = await takePorts(config);
  await ensureClamd({ log: options.print });
  const abandoned = new AbortController();
  undo.defer(() => abandoned.abort());
  const pubsubHost = pubsubHostOf(config, ports);
  const live = createLive(pubsubHost, abandoned.signal);
  const logs = new LogMetrics();
  const logbook = openLogbook(join(config.data, 'logs'), options.print, (name, line) => {
    live.read(name, line);
    logs.read(name, line);
  });
  undo.defer(() => logbook.close());
  const guard = startProcessGuard();
  undo.defer(() => guard.release());

  const url = `http://${HOST}:${ports.gateway}`;
  const storageUrl = storageUrlOf(config, ports);
  const issuer = await createIssuer(config.data, url);
  const { redirectUris } = config;
  const tokens = localTokens(config.data);
  const children: Supervised[] = [];
  const startTimes = new Map<string, number>();
  const fronts = await startFronts({
    host: HOST,
    ports,
    startMs: (name) => startTimes.get(name) ?? 0,
    onRefused: (name) => logs.refused(name),
  });
  undo.defer(() => fronts.close());
  const {
    upload: uploadUrl,
    files: filesUrl,
    scanner: scannerUrl,
    sweeper: sweeperUrl,
    notify: notifyUrl,
  } = fronts.urls;
  let developmentSignatures: boolean | undefined;
  const status = (): PlatformStatus => ({
    ready: children.every((child) => child.status().state === 'ready'),
    developmentSignatures,
    url,
    uploadUrl,
    filesUrl,
    storageUrl,
    pubsubHost,
    sweeperUrl,
    data: config.data,
    processes: children.map((child) => child.status()),
  });
  const metrics = metricSources({ logs, pubsubHost, storageUrl, children });
  const local = localPages({ issuer, redirectUris, status, live, operator: { tokens, sweeperUrl, metrics } });
  const { upload, files } = fronts.listeners;
  const gateway = await listen({ host: HOST, port: ports.gateway }, createGateway({ upload, files, local }));
  undo.defer(() => gateway.close());
  lock.announce(url);

  const signal = AbortSignal.any([abandoned.signal, ...(options.signal ? [options.signal] : [])]);
  const prepareEvents = async () => {
    const endpoints = {
      scanner: `${scannerUrl}/`,
      rescanner: `${fronts.urls.rescanner}/`,
      deadLetters: `${sweeperUrl}/dead-letters`,
    };
    await createScanEvents(pubsubHost, signal);
    if (config.callbackOrigins) await createCallbacks(pubsubHost, `${notifyUrl}/`, signal);
    await createFinalizedEvents(pubsubHost, endpoints, signal);
  };
  const start = (spec: ChildSpec, onReady?: () => Promise<void>): Supervised => {
    const began = performance.now();
    const child = supervise(options.adapt?.(spec) ?? spec, {
      guard,
      logbook,
      ...(onReady && { onReady }),
      ...(options.restartAfterMs !== undefined && { restartAfterMs: options.restartAfterMs }),
    });
    const started = () => startTimes.set(spec.name, performance.now() - began);
    void child.ready.then(started, () => undefined);
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
    fronts.stopAccepting();
  });

  using _ = noticeSlowStart(children, logbook.notice);
  await unlessAborted(signal, [
    ...children.map((child) => child.ready),
    ...(config.pubsubEmulatorHost ? [prepareEvents()] : []),
  ]);
  developmentSignatures = (await engine.ready)['development'] === true;
  const { auditor: auditorUrl, exporter: exporterUrl } = fronts.urls;
  runSchedules(config, { sweeper: sweeperUrl, auditor: auditorUrl, exporter: exporterUrl }, tokens, signal);

  const running = undo.move();
  let stopped: Promise<void> | undefined;
  return {
    url,
    uploadUrl,
    filesUrl,
    scannerUrl,
    sweeperUrl,
    auditorUrl,
    exporterUrl,
    functionUrl: (service) => `http://${HOST}:${ports[service]}`,
    storageUrl,
    pubsubHost,
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
