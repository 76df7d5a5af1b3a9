import { join } from 'node:path';
import { parseIam } from '../../infra/emulators/common/iam/emulated-iam.ts';
import { ANYBODY } from '../../infra/emulators/common/iam/policy.ts';
import type { OperationReport } from '../../infra/emulators/storage/src/operation-counts.ts';
import { type RunningClamd, startClamd } from '../../infra/local/clamav/clamd.ts';
import { type Platform, startPlatform } from '../../infra/local/platform/platform.ts';
import type { ChildSpec } from '../../infra/local/processes/child.ts';
import { type PlatformConfig, readPlatformConfig, SCAN_SLOTS } from '../../infra/local/processes/config.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectStorage } from '../../shared/storage/connect.ts';
import { send } from '../http.ts';
import { childOf } from '../process.ts';
import { type Front, startFront } from './front.ts';
import { type ModuleDefaults, moduleDefaults } from './module-defaults.ts';

export const OWNER = 'org:889640782' as Principal;
const FUNCTIONS = ['upload', 'files', 'scanner', 'sweeper'] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** The whole product on free ports, with its own data folder. */
export interface Stage {
  /**
   * URL of the function itself, past the local gateway, which stands for the load balancer and is not what is measured.
   */
  readonly url: (name: FunctionName) => string;
  /** How the platform starts a function. */
  readonly spec: (name: FunctionName) => ChildSpec;
  readonly pid: (name: FunctionName | 'rescanner' | 'storage') => number;
  /** Process of the rescanner's ClamAV; absent where it shares the scanner's. */
  readonly rescannerClamdPid: number | undefined;
  readonly storageUrl: string;
  readonly clamd: { readonly pid: number; readonly port: number; readonly confFile: string };
  readonly authorization: Readonly<Record<string, string>>;
  /** Calls the sweeper as Cloud Scheduler does. */
  readonly scheduled: () => Promise<Readonly<Record<string, string>>>;
  /** Calls the sweeper as an operator does. */
  readonly operator: () => Promise<Readonly<Record<string, string>>>;
  readonly bucket: (name: 'unscanned' | 'permanent') => Bucket;
  /** Outcomes of events; absent on a stage without them. */
  readonly front: Front | undefined;
  readonly operations: () => Promise<OperationReport>;
  readonly resetOperations: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** NODE_OPTIONS of a function's process, which bound its memory: docs/adr/0005. */
export interface Bounds {
  readonly NODE_OPTIONS?: string;
  readonly MALLOC_ARENA_MAX?: string;
}

/** Arguments of a function's process, so that its memory is bounded. */
export function boundsOf(stage: Pick<Stage, 'spec'>): Bounds {
  const { NODE_OPTIONS = '', MALLOC_ARENA_MAX = '' } = stage.spec('upload').env;
  return { NODE_OPTIONS, MALLOC_ARENA_MAX };
}

export interface StageOptions {
  readonly folder: string;
  readonly events: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Deployed as by the Terraform module: slots, concurrency, and pauses between deliveries. */
  readonly asDeployed?: boolean;
  /** The folder of ClamAV's signatures; by default the development ones. */
  readonly databaseDirectory?: string;
}

export async function startStage({
  folder,
  events,
  environment = {},
  asDeployed = false,
  databaseDirectory,
}: StageOptions): Promise<Stage> {
  const specs = new Map<string, ChildSpec>();
  const deployed = asDeployed ? moduleDefaults() : undefined;
  const front = events ? await startFront(deployed?.concurrency.scanner ?? SCAN_SLOTS) : undefined;
  const config = configOf(folder, environment);
  const rescannerClamd =
    deployed &&
    (await clamdOfRescanner(config, join(folder, 'rescanner-clamd'), deployed, databaseDirectory));
  const platform = await startPlatform(config, {
    print: () => undefined,
    adapt: (spec) => {
      const onStage = withDefaults(specOnStage(spec, front), deployed);
      const adapted = withSignatures(withClamd(onStage, rescannerClamd), databaseDirectory);
      specs.set(spec.name, adapted);
      return adapted;
    },
  });
  const specOf = (name: string): ChildSpec => {
    const spec = specs.get(name);
    if (!spec) throw new Error(`no process ${name}`);
    return spec;
  };
  const url = (name: FunctionName): string => new URL(specOf(name).healthUrl ?? '').origin;
  front?.leadTo(url('scanner'));
  const transport = connectStorage(platform.storageUrl);
  const sweeperToken = async (account: 'operator' | 'schedule') => ({
    authorization: `Bearer ${await platform.identityToken(account, url('sweeper'))}`,
  });
  const operations = `${platform.storageUrl}/_emulator/operations`;
  return {
    url,
    spec: specOf,
    pid: (name) => pidOf(platform, name),
    rescannerClamdPid: rescannerClamd?.pid,
    storageUrl: platform.storageUrl,
    clamd: {
      pid: childOf(pidOf(platform, 'clamd')),
      port: Number(specOf('clamd').env['PORT']),
      confFile: join(folder, 'clamd/clamd.conf'),
    },
    authorization: { authorization: `Bearer ${await platform.token(OWNER)}` },
    scheduled: () => sweeperToken('schedule'),
    operator: () => sweeperToken('operator'),
    bucket: (name) => new Bucket(transport, name, { paced: true }),
    front,
    operations: async () => JSON.parse((await send(operations)).body.toString()) as OperationReport,
    resetOperations: async () => void (await send(operations, { method: 'DELETE' })),
    stop: async () => {
      await platform.stop();
      await rescannerClamd?.stop();
      await front?.close();
    },
  };
}

function configOf(folder: string, environment: Readonly<Record<string, string>>): PlatformConfig {
  const anyPort = { PORT: '0', STORAGE_PORT: '0', PUBSUB_PORT: '0' };
  // Sweeps come when they are measured.
  const unswept = { SWEEP_INTERVAL_SECONDS: '86400', COLLECT_INTERVAL_SECONDS: '86400' };
  return readPlatformConfig({ ...anyPort, ...unswept, DATA: folder, ...environment }, folder);
}

function specOnStage(spec: ChildSpec, front: Front | undefined): ChildSpec {
  const { IAM } = spec.env;
  // The state of the deployment is read once in a while, and for no file: it would count among the operations of one.
  if (!IAM) return { ...spec, env: { DEPLOYMENT_REFRESH_SECONDS: '86400', ...spec.env } };
  const open = { ...spec.env, IAM: openedToAll(IAM) };
  // Without MD5, which would cost the emulator more than all the rest of an upload, and us nothing.
  const storage = { MD5: 'off', NOTIFY: front ? `unscanned=${front.url}/` : '' };
  return { ...spec, env: spec.name === 'storage' ? { ...open, ...storage } : open };
}

/** Deliveries on their way for each that a scanner takes, so that four of them never wait for one. */
const DELIVERIES_A_REQUEST = 8;

/** Settings of the module, where they are not those of the platform on this machine. */
function withDefaults(spec: ChildSpec, deployed: ModuleDefaults | undefined): ChildSpec {
  if (!deployed) return spec;
  const { scanSlots, scanQueue, concurrency, push } = deployed;
  const settings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    clamd: { THREADS: String(scanSlots) },
    // One owner stands for many here.
    upload: { UPLOADS_PER_OWNER: String(concurrency.upload) },
    scanner: { SCAN_SLOTS: String(scanSlots), SCAN_QUEUE: String(scanQueue) },
    rescanner: { SCAN_SLOTS: String(scanSlots), SCAN_QUEUE: String(scanQueue) },
    storage: {
      DELIVERIES: String(concurrency.scanner * DELIVERIES_A_REQUEST),
      BACKOFF_MS: `${push.minBackoffSeconds * 1000}-${push.maxBackoffSeconds * 1000}`,
    },
  };
  return { ...spec, env: { ...spec.env, ...settings[spec.name] } };
}

/** ClamAV beside the rescanner, as in its instance. */
function clamdOfRescanner(
  { maxScanBytes }: PlatformConfig,
  folder: string,
  { scanSlots }: ModuleDefaults,
  databaseDirectory: string | undefined,
): Promise<RunningClamd> {
  return startClamd({
    folder,
    maxScanBytes,
    threads: scanSlots,
    ...(databaseDirectory && { databaseDirectory }),
  });
}

function withClamd(spec: ChildSpec, clamd: RunningClamd | undefined): ChildSpec {
  if (spec.name !== 'rescanner' || !clamd) return spec;
  const env = { CLAMD_PORT: String(clamd.port), CLAMD_TEMP_DIR: clamd.temporaryDirectory };
  return { ...spec, env: { ...spec.env, ...env } };
}

/** The scanner takes them for development ones, which need no date. */
function withSignatures(spec: ChildSpec, databaseDirectory: string | undefined): ChildSpec {
  if (spec.name !== 'clamd' || !databaseDirectory) return spec;
  return { ...spec, env: { ...spec.env, CLAMAV_DATABASE_DIR: databaseDirectory } };
}

/** The functions have their own accounts here too; whatever else is measured comes without credentials. */
function openedToAll(iam: string): string {
  const options = parseIam(iam);
  const verbs = ['create', 'delete', 'get', 'list', 'update'];
  const objects = { permissions: verbs.map((verb) => `storage.objects.${verb}`), prefixes: [] };
  const publish = { permissions: ['pubsub.topics.publish'], prefixes: [] };
  const all = [
    ...['unscanned', 'permanent'].map((bucket) => ({
      name: `all.${bucket}`,
      account: ANYBODY,
      bucket,
      ...objects,
    })),
    ...['node', 'libraries'].map((by) => ({
      name: `all.${by}`,
      account: ANYBODY,
      topic: `bare-files-${by}`,
      ...publish,
    })),
  ];
  return JSON.stringify({ ...options, grants: [...options.grants, ...all] });
}

function pidOf(platform: Platform, name: string): number {
  const pid = platform.status().processes.find((process) => process.name === name)?.pid;
  if (!pid) throw new Error(`${name} does not run`);
  return pid;
}
