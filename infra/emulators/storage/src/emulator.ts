import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EmulatedIam, type IamOptions } from '../../common/iam/emulated-iam.ts';
import type { Latency } from '../../common/latency/latency.ts';
import { underOwnNames } from '../../common/own-names.ts';
import { finalizedEvent } from './events/cloud-event.ts';
import { Notifier } from './events/notifications.ts';
import { Faults } from './faults/faults.ts';
import { RetryTests } from './faults/retry-tests.ts';
import { bucketHandlers, createBucket } from './http/bucket-handlers.ts';
import { composeHandler } from './http/compose-handler.ts';
import { mediaHandler } from './http/media-handler.ts';
import { objectHandlers } from './http/object-handlers.ts';
import { serve } from './http/request-listener.ts';
import { resumableHandlers } from './http/resumable-handlers.ts';
import { strictHandlers } from './http/strict-handlers.ts';
import { transferHandlers } from './http/transfer-handlers.ts';
import { uploadHandlers } from './http/upload-handlers.ts';
import { OperationCounts } from './operation-counts.ts';
import { MutationLimit } from './state/mutation-limit.ts';
import { Store } from './state/store.ts';

export interface Subscription {
  readonly bucket: string;
  /** Receives a CloudEvent for each finalized object of the bucket; http only. */
  readonly url: string;
}

export interface StorageEmulatorOptions {
  /** Everything is kept in it; one emulator at a time. */
  readonly folder: string;
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** 0, any free one, by default. */
  readonly port?: number;
  /** Created where absent. */
  readonly buckets?: readonly string[];
  readonly notifications?: readonly Subscription[];
  /** Milliseconds between deliveries of an unacknowledged notification; 1 to 30 s by default. */
  readonly backoffMs?: { readonly min: number; readonly max: number };
  /** Deliveries at a time; 16 by default. */
  readonly deliveryConcurrency?: number;
  /**
   * Whether objects get an `md5Hash`; true by default. Without, uploads are about twice as fast, and objects
   * look in this like composite ones.
   */
  readonly md5?: boolean;
  /** Whether a name takes one mutation a second; true by default. A function is the clock that it goes by. @see MutationLimit */
  readonly mutationLimit?: boolean | (() => number);
  /** Restricts access; by default everybody may do everything. */
  readonly iam?: IamOptions;
  /** How long operations and notifications take; nothing is added by default. */
  readonly latency?: Latency;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface StorageEmulator {
  /** Scheme and authority, as `http://127.0.0.1:4443`: the `apiEndpoint` of Google's clients. */
  readonly url: string;
  readonly faults: Faults;
  readonly mutationLimit: MutationLimit;
  readonly operations: OperationCounts;
  /** Notifications that no subscriber has acknowledged yet. */
  readonly pendingNotifications: number;
  /** Deletes what the lifecycle rules of the buckets say by now, and tells how many objects: Cloud Storage does within a day. */
  applyLifecycle(): number;
  /** Cuts what is under way and closes; the folder can be opened again, or deleted. */
  stop(): Promise<void>;
}

/**
 * Starts an emulator of the Cloud Storage JSON API.
 * @throws Error with code EADDRINUSE when the port is taken; nothing in the folder is touched then
 */
export async function startStorageEmulator(options: StorageEmulatorOptions): Promise<StorageEmulator> {
  const { host = '127.0.0.1', port = 0 } = options;
  const server = createServer({ keepAliveTimeout: 120_000, requestTimeout: 0 });
  // The port first: who holds it is likely to work in the same folder.
  const url = await listen(server, host, port);
  try {
    return run(server, url, options);
  } catch (error) {
    server.close();
    throw error;
  }
}

function run(server: Server, url: string, options: StorageEmulatorOptions): StorageEmulator {
  const { notifications = [], now = Date.now } = options;
  const faults = new Faults();
  const counts = new OperationCounts();
  const limit = options.mutationLimit ?? true;
  const mutationLimit = new MutationLimit({
    enabled: limit !== false,
    now: typeof limit === 'function' ? limit : now,
    onRefused: (id) => counts.mutationRefused(id),
  });
  const subscribersOf = (bucket: string): Subscription[] =>
    notifications.filter((subscription) => subscription.bucket === bucket);
  const store = new Store({
    folder: options.folder,
    md5: options.md5 ?? true,
    now,
    subscribers: (bucket) => subscribersOf(bucket).length,
    onNotice: (notice) => notifier.enqueue(notice),
    mutationLimit,
  });
  const notifier = new Notifier({
    faults,
    counts,
    backoffMs: options.backoffMs ?? { min: 1_000, max: 30_000 },
    concurrency: options.deliveryConcurrency ?? 16,
    latency: options.latency,
    event: ({ id, object, subscriber }) => {
      const subscription = subscribersOf(object.bucket)[subscriber];
      const bucket = store.state.buckets.get(object.bucket)?.bucket;
      if (subscription === undefined || bucket === undefined) return undefined;
      return { url: subscription.url, request: finalizedEvent(id, object, bucket, url) };
    },
    delivered: ({ id }) => store.commit({ delivered: id }),
  });
  for (const bucket of options.buckets ?? [])
    if (!store.state.buckets.has(bucket)) createBucket(store, bucket);
  for (const notice of [...store.state.notices.values()]) notifier.enqueue(notice);

  const handlers = strictHandlers(
    {
      ...bucketHandlers(store),
      ...objectHandlers(store),
      ...mediaHandler(store),
      ...uploadHandlers(store),
      ...resumableHandlers(store),
      ...transferHandlers(store),
      ...composeHandler(store),
    },
    options.latency,
  );
  const iam = options.iam && new EmulatedIam(options.iam);
  const rates = options.latency?.rates;
  const service = {
    store,
    handlers,
    faults,
    counts,
    mutationLimit,
    iam,
    rates,
    retryTests: new RetryTests(),
  };
  const serving = new Set<Promise<void>>();
  const listener: RequestListener = (request, response) => {
    const served = serve(service, request, response).finally(() => serving.delete(served));
    serving.add(served);
  };
  server.on('request', underOwnNames(listener));

  return {
    url,
    faults,
    mutationLimit,
    operations: counts,
    get pendingNotifications() {
      return store.state.notices.size;
    },
    applyLifecycle: () => store.applyLifecycle(),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await Promise.all(serving);
      await notifier.stop();
      await store.close();
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  server.listen(port, host);
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://${host}:${address.port}`;
}
