import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUCKETS, GCP_PROJECT, HOST, type Ports } from './addresses.ts';
import type { ChildSpec } from './child.ts';
import { type PlatformConfig, SCAN_SLOTS } from './config.ts';
import {
  auditorEnv,
  callbackEnv,
  exporterEnv,
  filesEnv,
  notifyEnv,
  rescannerEnv,
  scanMaximumEnv,
  scannerEnv,
  sweeperEnv,
  uploadEnv,
} from './function-env.ts';
import type { Identity, MetadataHosts } from './identity.ts';

const FRAMEWORK = fileURLToPath(import.meta.resolve('@google-cloud/functions-framework'));
const FRAMEWORK_COMMAND = join(dirname(FRAMEWORK), 'main.js');

/** The processes of the platform; `storage` and `pubsub` are absent where an emulator from outside is used. */
export interface Processes {
  readonly functions: readonly ChildSpec[];
  readonly storage: ChildSpec | undefined;
  readonly pubsub: ChildSpec | undefined;
  readonly clamd: ChildSpec;
}

/** Every process with the environment that it needs, and no more, as a deployment would have it. */
export function describeProcesses(config: PlatformConfig, ports: Ports, identity: Identity): Processes {
  const program = (name: string, script: string, env: Record<string, string>): ChildSpec => ({
    name,
    args: [fileURLToPath(new URL(script, import.meta.url))],
    env: { ...basics(config), ...env },
  });
  const served = (name: keyof MetadataHosts, variables: Record<string, string>): ChildSpec =>
    cloudFunction(name, ports[name], {
      ...basics(config),
      ...(config.otlpEndpoint && { OTEL_EXPORTER_OTLP_ENDPOINT: config.otlpEndpoint }),
      ...variables,
      ...credentials(identity.metadataHosts[name]),
    });
  return {
    functions: [
      served('upload', {
        ...uploadEnv(config, ports),
        ...scanMaximumEnv(config),
        ...callbackEnv(config),
        UPLOADS_PER_OWNER: String(config.uploadsPerOwner),
      }),
      served('files', filesEnv(config, ports)),
      served('scanner', scannerEnv(config, ports)),
      served('rescanner', rescannerEnv(config, ports)),
      served('sweeper', sweeperEnv(config, ports)),
      served('auditor', auditorEnv(config, ports)),
      served('exporter', exporterEnv(config, ports)),
      ...(config.callbackOrigins ? [served('notify', notifyEnv(config, ports))] : []),
    ],
    storage: config.storageEmulatorHost
      ? undefined
      : program('storage', '../../emulators/storage/src/main.ts', {
          FOLDER: join(config.data, 'storage'),
          PORT: String(ports.storage),
          BUCKETS: Object.values(BUCKETS).join(','),
          MUTATION_LIMIT: config.mutationLimit,
          LATENCY: config.latency,
          IAM: JSON.stringify(identity.iam),
          NOTIFY: `${BUCKETS.unscanned}=http://${HOST}:${ports.scannerFront}/`,
        }),
    pubsub: config.pubsubEmulatorHost
      ? undefined
      : program('pubsub', '../../emulators/pubsub/src/main.ts', {
          PORT: String(ports.pubsub),
          LATENCY: config.latency,
          IAM: JSON.stringify(identity.iam),
        }),
    clamd: program('clamd', '../clamav/clamd-process.ts', {
      FOLDER: join(config.data, 'clamd'),
      PORT: String(ports.clamd),
      MAX_SCAN_BYTES: String(config.maxScanBytes),
      THREADS: String(SCAN_SLOTS),
      ...(config.clamavDatabase && { CLAMAV_DATABASE_DIR: config.clamavDatabase }),
    }),
  };
}

/**
 * Node's options in every deployment of a function, so that its heap stays small whatever goes by
 * (docs/adr/0005).
 */
const FUNCTION_ENV = {
  NODE_OPTIONS: '--max-semi-space-size=8 --max-old-space-size=192',
  MALLOC_ARENA_MAX: '1',
} as const;

/** How Google's client libraries find the account that a function runs as, and that the emulators want to know it. */
function credentials(metadataHost: string): Record<string, string> {
  return {
    EMULATOR_CREDENTIALS: 'true',
    // The libraries would run gcloud to find it.
    GOOGLE_CLOUD_PROJECT: GCP_PROJECT,
    GCE_METADATA_HOST: metadataHost,
    METADATA_SERVER_DETECTION: 'assume-present',
  };
}

function cloudFunction(name: string, port: number, variables: Record<string, string>): ChildSpec {
  const options = `${FUNCTION_ENV.NODE_OPTIONS} --import=${LOOPBACK}`;
  const env = { ...variables, ...FUNCTION_ENV, NODE_OPTIONS: options, HOME: NO_HOME };
  const source = BESIDE[name] ?? `${name}/index`;
  const args = [`--target=${name}`, `--source=functions/${source}.ts`, `--port=${port}`];
  return { name, args: [FRAMEWORK_COMMAND, ...args], env, healthUrl: `http://${HOST}:${port}/healthz` };
}

/** Second services of an image. */
const BESIDE: Readonly<Record<string, string>> = {
  rescanner: 'scanner/rescanner/index',
  auditor: 'sweeper/auditor/index',
  exporter: 'sweeper/exporter/index',
};

/** A deployment listens where Cloud Run reaches it; here nobody else should. */
const LOOPBACK = new URL('./loopback.ts', import.meta.url).href;

/** Directory without the credentials of a developer, which would come before those of the metadata server. */
const NO_HOME = '/nonexistent';

/** Compiled code is kept between starts, whatever their DATA: they are ready in half the time, and writing it takes seconds. */
const COMPILE_CACHE = fileURLToPath(new URL('../../../node_modules/.cache/fileshare', import.meta.url));

function basics(config: PlatformConfig): Record<string, string> {
  const path = [dirname(process.execPath), process.env['PATH']].filter(Boolean).join(delimiter);
  const passed = ['HOME', 'TMPDIR', 'TZ', 'LANG', 'NODE_ENV', 'NODE_V8_COVERAGE', 'CLAMD_PATH'] as const;
  const kept = passed.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  return {
    ...Object.fromEntries(kept),
    PATH: path,
    // V8 does not count exactly in code from a cache.
    ...(!process.env['NODE_V8_COVERAGE'] && { NODE_COMPILE_CACHE: COMPILE_CACHE }),
    LOG_LEVEL: config.logLevel,
    // Google's clients would look for a metadata server, and warn that there is none.
    METADATA_SERVER_DETECTION: 'none',
  };
}
