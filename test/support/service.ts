import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditReport } from '../../functions/sweeper/auditor/audit.ts';
import type { SignedReport } from '../../functions/sweeper/auditor/signed-report.ts';
import type { ExportReport } from '../../functions/sweeper/exporter/export.ts';
import type { FaultRule } from '../../infra/emulators/storage/src/faults/faults.ts';
import type { OperationReport } from '../../infra/emulators/storage/src/operation-counts.ts';
import { targetFor } from '../../infra/local/gateway/routes.ts';
import { type Platform, type PlatformOptions, startPlatform } from '../../infra/local/platform/platform.ts';
import type { ChildSpec } from '../../infra/local/processes/child.ts';
import { readPlatformConfig } from '../../infra/local/processes/config.ts';
import type { Account } from '../../infra/local/processes/identity.ts';
import type { Handle } from '../../shared/files/handle.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { Transport } from '../../shared/storage/transport.ts';
import { outsideCloudEvents } from './cloud-events.ts';
import { outsideContract } from './contract.ts';
import { type ReceivedEvent, receivedEvents } from './received-events.ts';

/** Public harmless malware; in two halves, so that this file is none. */
export const EICAR = `${'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-'}${'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'}`;

export const OWNER = 'org:889640782';

/** Less than a hook may take, so that a start that takes too long says what it waits for. */
const START_MS = 150_000;

/**
 * The whole service for the tests of the enclosing `describe`: every function under functions-framework, a real
 * clamd, the emulators, each a separate process.
 */
export class Service {
  #platform: Platform | undefined;
  #folder: string | undefined;
  #hosts: 'one' | 'two' = 'one';
  /** Names whose writes the storage emulator refused until its counts were reset last. */
  readonly #refused: string[] = [];
  #contends = false;

  /** @param environment of `npm start`; a function of it is called when everything before it has started */
  constructor(
    environment: Record<string, string> | (() => Record<string, string>) = {},
    options: Partial<PlatformOptions> = {},
  ) {
    before(async () => {
      // The first may have to install clamd.
      this.#folder = await mkdtemp(join(tmpdir(), 'fileshare-test-'));
      const any = { PORT: '0', STORAGE_PORT: '0', PUBSUB_PORT: '0' };
      // A sweep would count among the operations of a test, and would repair what a test should find broken.
      const unswept = {
        SWEEP_INTERVAL_SECONDS: '86400',
        COLLECT_INTERVAL_SECONDS: '86400',
        RESCAN_INTERVAL_SECONDS: '86400',
        AUDIT_INTERVAL_SECONDS: '86400',
      };
      const config = readPlatformConfig(
        {
          ...any,
          ...unswept,
          DATA: this.#folder,
          ...(typeof environment === 'function' ? environment() : environment),
        },
        this.#folder,
      );
      this.#hosts = config.hosts;
      const adapt = (spec: ChildSpec) => withImports(seldom(options.adapt?.(spec) ?? spec));
      const printed: string[] = [];
      const print = (line: string) => void printed.push(line);
      const late = new AbortController();
      const timer = setTimeout(
        () => late.abort(new Error(`not started: ${printed.join(' ')}`)),
        START_MS,
      ).unref();
      const { signal } = late;
      this.#platform = await startPlatform(config, { print, signal, ...options, adapt });
      clearTimeout(timer);
      // An endpoint from outside counts no operations.
      if (config.storageEmulatorHost === undefined) await this.#stateRead();
    });
    const service = this;
    after(async function () {
      try {
        if (service.#platform) {
          // Every event that was published is checked, in all tests.
          await service.events();
          // Clients and pages that are tested elsewhere are interrupted, and try again.
          if (this.test?.file?.includes('/integration/') && !service.#contends) {
            const refused = [...service.#refused, ...(await service.operations()).namesRefused];
            assert.deepEqual(refused, [], 'names that were written twice within a second');
          }
        }
      } finally {
        await service.#platform?.stop();
      }
      if (service.#folder) await rm(service.#folder, { recursive: true, force: true });
    });
  }

  get platform(): Platform {
    if (!this.#platform) throw new Error('the service is not running');
    return this.#platform;
  }

  get url(): string {
    return this.platform.url;
  }

  /** Where clients find upload: a separate host name where there are two. */
  get uploadUrl(): string {
    return this.#hosts === 'two' ? this.platform.uploadUrl : this.url;
  }

  get filesUrl(): string {
    return this.#hosts === 'two' ? this.platform.filesUrl : this.url;
  }

  #hostOf(method: string, path: string): string {
    return targetFor(method, path.replace(/\?.*/, '')) === 'upload' ? this.uploadUrl : this.filesUrl;
  }

  pid(process: string): number {
    const pid = this.platform.status().processes.find(({ name }) => name === process)?.pid;
    if (!pid) throw new Error(`no process ${process}`);
    return pid;
  }

  bucket(name: 'unscanned' | 'permanent' | 'quarantine'): Bucket {
    return new Bucket(this.storage(), name, { paced: true });
  }

  /** Transport as the administrator of the emulator, who may do everything. */
  storage(): Transport {
    const authorization = this.platform.accessToken().then((token) => `Bearer ${token}`);
    return new Transport(
      this.platform.storageUrl,
      async () => new Headers({ authorization: await authorization }),
    );
  }

  /** Names in a bucket. */
  async names(bucket: 'unscanned' | 'permanent' | 'quarantine', prefix = ''): Promise<string[]> {
    const { objects } = await this.bucket(bucket).list({ prefix, maxResults: 1000 });
    return objects.map(({ name }) => name);
  }

  /** Has the auditor look at all that is stored. */
  async audit(): Promise<AuditReport & { readonly signed?: SignedReport }> {
    const { auditorUrl } = this.platform;
    const token = await this.platform.identityToken('schedule', auditorUrl);
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${auditorUrl}/audit`, { method: 'POST', headers });
    if (!response.ok) throw new Error(`the audit failed: ${response.status} ${await response.text()}`);
    return (await response.json()) as AuditReport & { readonly signed?: SignedReport };
  }

  /** Has the exporter export all records. */
  async export(): Promise<ExportReport> {
    const { exporterUrl } = this.platform;
    const token = await this.platform.identityToken('schedule', exporterUrl);
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${exporterUrl}/export`, { method: 'POST', headers });
    if (!response.ok) throw new Error(`the export failed: ${response.status} ${await response.text()}`);
    return (await response.json()) as ExportReport;
  }

  /** Calls the sweeper, in the name of an account that calls it in a deployment. */
  async sweeper(path: string, init: SweeperInit = {}): Promise<Response> {
    const { as = OPERATORS_ALONE.has(path) ? 'operator' : 'schedule', method = 'POST', body } = init;
    const token = await this.platform.identityToken(as, this.platform.sweeperUrl);
    return fetch(this.platform.sweeperUrl + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body }),
    });
  }

  /** These tests make clients or tries meet at one name: Cloud Storage takes one write a second of it, and refuses others. */
  contends(): void {
    this.#contends = true;
  }

  async fault(rule: FaultRule): Promise<void> {
    // A call that is tried again at once may meet its first try.
    this.contends();
    await this.#control('POST', '/_emulator/faults', rule);
  }

  async clearFaults(): Promise<void> {
    await this.#control('DELETE', '/_emulator/faults');
  }

  async resetOperations(): Promise<void> {
    this.#refused.push(...(await this.operations()).namesRefused);
    await this.#control('DELETE', '/_emulator/operations');
  }

  /** Functions read the state of the deployment while they start, and it would count among the operations of a test. */
  async #stateRead(): Promise<void> {
    const end = performance.now() + STATE_READ_MS;
    // A test that begins with faults of Cloud Storage counts none.
    while (performance.now() < end) {
      const { operations } = await this.operations();
      if ((operations['objects.get']?.calls ?? 0) >= WATCHERS) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async operations(): Promise<OperationReport> {
    return (await (await this.#control('GET', '/_emulator/operations')).json()) as OperationReport;
  }

  async #control(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await fetch(`${this.platform.storageUrl}${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  /** A request as `principal`, or as nobody. @throws {Error} where the answer is not as openapi.yaml says */
  async call(method: string, path: string, init: CallInit = {}): Promise<Response> {
    const { as = OWNER, headers = {}, body, scopes, groups = [], at = this.#hostOf(method, path) } = init;
    const authorization = as && {
      authorization: `Bearer ${await this.platform.token(as, scopes, { groups })}`,
    };
    const response = await fetch(`${at}${path}`, {
      method,
      headers: { ...authorization, ...headers },
      redirect: 'manual',
      ...(body !== undefined && { body }),
      ...(body instanceof ReadableStream && { duplex: 'half' }),
    } as RequestInit);
    const outside = await outsideContract(method, path, response);
    if (outside.length > 0)
      throw new Error(`${method} ${path} is outside openapi.yaml: ${outside.join('; ')}`);
    return response;
  }

  async upload(body: Body, headers: Record<string, string> = {}, init: CallInit = {}): Promise<Handle> {
    const response = await this.call('POST', '/files', { ...init, body, headers });
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as Handle;
  }

  /** Uploads by a direct session, as for files that no front lets through in one request. */
  async uploadDirect(bytes: Buffer<ArrayBuffer>, order: Record<string, string> = {}): Promise<Handle> {
    const opened = await this.call('POST', '/uploads/direct', {
      body: JSON.stringify({ size: bytes.length, ...order }),
      headers: { 'content-type': 'application/json' },
    });
    const { uploadUrl, handle } = (await opened.json()) as { uploadUrl: string; handle: Handle };
    const response = await fetch(uploadUrl, { method: 'PUT', body: bytes });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return handle;
  }

  async status(id: string, wait = 0): Promise<Handle> {
    const headers: Record<string, string> = wait > 0 ? { prefer: `wait=${wait}` } : {};
    const response = await this.call('GET', `/files/${id}/status`, { headers });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as Handle;
  }

  /** The handle once the file is decided. @throws Error where it still is not after `seconds` */
  async decided(id: string, seconds = 150): Promise<Handle> {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
      const handle = await this.status(id, 20);
      if (handle.state !== 'pending' && handle.state !== 'uploading') return handle;
    }
    throw new Error(`${id} is still pending after ${seconds} s`);
  }

  /**
   * The events that a subscriber has received so far, repeats and all. Fails, once, where one is not as CloudEvents
   * 1.0 and the schema of its type say.
   */
  async events(subscription = 'scan-events-cli'): Promise<ReceivedEvent[]> {
    const received = await receivedEvents(this.platform.pubsubHost, subscription);
    this.#received.push(...received);
    const outside = received.flatMap(outsideCloudEvents);
    if (outside.length > 0) throw new Error(`events that are outside their schemas: ${outside.join('; ')}`);
    return this.#received;
  }
  readonly #received: ReceivedEvent[] = [];
}

/** Upload, files, scanner and rescanner. */
const WATCHERS = 4;
const STATE_READ_MS = 5_000;

/** Reads the state of the deployment once: it would count among the operations of a test. */
function seldom(spec: ChildSpec): ChildSpec {
  return { ...spec, env: { DEPLOYMENT_REFRESH_SECONDS: '86400', ...spec.env } };
}

/** Adds the modules that this process imports first: test/side-by-side.cjs says why. */
function withImports(spec: ChildSpec): ChildSpec {
  const { NODE_OPTIONS: own } = process.env;
  if (!own) return spec;
  return {
    ...spec,
    env: { ...spec.env, NODE_OPTIONS: [own, spec.env['NODE_OPTIONS']].filter(Boolean).join(' ') },
  };
}

type Body = string | Buffer<ArrayBuffer> | ReadableStream;

export interface CallInit {
  /** Another base URL than the one that serves the path: of a function itself, say, for what no front lets through. */
  readonly at?: string;
  readonly as?: string;
  readonly scopes?: readonly ('read' | 'write' | 'admin')[];
  readonly groups?: readonly string[];
  readonly headers?: Record<string, string>;
  readonly body?: Body;
}

/** Paths that the schedule may not call. */
const OPERATORS_ALONE: ReadonlySet<string> = new Set([
  '/redrive',
  '/release',
  '/condemn',
  '/quarantine/rescan',
  '/exports',
  '/owner/list',
  '/owner/content',
  '/owner/erase',
  '/owner/attest',
  '/restore',
  '/rescans',
  '/rescans/pause',
  '/rescans/resume',
  '/rescans/cancel',
  '/intake',
  '/intake/pause',
  '/intake/resume',
  '/notice',
  '/deployment/adopt',
]);

interface SweeperInit {
  readonly as?: Account;
  readonly method?: string;
  readonly body?: string;
}

/** Looks again and again until `look` finds something. @throws Error after `seconds` */
export async function eventually<T>(look: () => Promise<T | undefined | false>, seconds = 120): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within ${seconds} s: ${look}`);
}
