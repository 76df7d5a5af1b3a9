import { sizesFor } from '../../shared/scanning/sizes.ts';
import { type Container, containersOf, type Deployment, envOf, ofType } from './deployment.ts';
import {
  FUNCTIONS,
  type FunctionName,
  OF_COMPLETE,
  RUNTIME,
  sidecarVariables,
  tunableOf,
  variablesOf,
} from './environment.ts';
import { at, listAt, numberAt, textAt } from './json.ts';

const MIB = 2 ** 20;
/** Threshold below which the scanner voids its verdicts (functions/scanner/admission/temp-space.ts). */
const LOW_WATER = 32 * MIB;
/** Gates of the engine that a deployment must not open. */
const FORBIDDEN = [
  'ALLOW_UNDATED_SIGNATURES',
  'STORAGE_EMULATOR_HOST',
  'PUBSUB_EMULATOR_HOST',
  'EMULATOR_CREDENTIALS',
];

/** Errors in services, jobs, their containers and their environment. */
export function serviceFindings(deployment: Deployment): readonly string[] {
  const containers = containersOf(deployment);
  return [
    ...containers.flatMap(imageFindings),
    ...containers.filter(({ isService }) => isService).flatMap(probeFindings),
    ...FUNCTIONS.flatMap((name) => functionFindings(deployment, containers, name)),
    ...['scanner', 'rescanner'].flatMap((name) => scannerFindings(deployment, containers, name)),
    ...ingressFindings(deployment),
    ...trafficFindings(deployment),
    ...filesUrlFindings(deployment, containers),
  ];
}

function imageFindings({ owner, name, values }: Container): readonly string[] {
  const image = textAt(values, 'image');
  return /@sha256:[0-9a-f]{64}$/.test(image) ? [] : [`${owner}/${name}: image ${image} is not by digest`];
}

function probeFindings({ owner, name, values }: Container): readonly string[] {
  const findings: string[] = [];
  const startup = at(values, 'startup_probe', 0);
  const seconds = numberAt(startup, 'period_seconds') * numberAt(startup, 'failure_threshold');
  if (!startup) findings.push('no startup probe');
  else if (!(seconds <= 240)) findings.push(`a startup probe of ${seconds} s, above 240`);
  const serves = listAt(values, 'ports').length > 0;
  const liveness = at(values, 'liveness_probe', 0);
  if (serves && !liveness) findings.push('no liveness probe');
  for (const probe of [startup, liveness]) {
    if (serves && probe && textAt(probe, 'http_get', 0, 'path') !== '/healthz') {
      findings.push('a probe that is not of /healthz: what a restart does not mend must not cause one');
    }
  }
  return findings.map((finding) => `${owner}/${name}: ${finding}`);
}

function functionFindings(
  { example }: Deployment,
  containers: readonly Container[],
  name: FunctionName,
): readonly string[] {
  const container = containers.find((candidate) => candidate.name === name);
  // Callbacks are off by default.
  if (!container && OF_COMPLETE.has(name) && example !== 'complete') return [];
  if (!container) return [`there is no container ${name}`];
  const set = Object.keys(envOf(container));
  const read = variablesOf(name);
  const settable = new Set([...set, ...tunableOf(name)]);
  const known = new Set([...read.keys(), ...RUNTIME]);
  return [
    ...[...settable]
      .filter((variable) => !known.has(variable))
      .map((variable) => `sets ${variable}, which it does not read`),
    ...set.filter((variable) => FORBIDDEN.includes(variable)).map((variable) => `sets ${variable}`),
    ...RUNTIME.filter((variable) => !set.includes(variable)).map(
      (variable) => `does not set ${variable} (docs/adr/0005)`,
    ),
    ...[...read]
      .filter(([variable, need]) => need === 'required' && !set.includes(variable))
      .map(([variable]) => `does not set ${variable}, which it needs`),
    // Only the complete example sets all that the module can set.
    ...(example === 'complete' ? [...read.keys()] : [])
      .filter((variable) => !settable.has(variable))
      .map((variable) => `reads ${variable}, which the module has no way to set`),
  ].map((finding) => `${name}: ${finding}`);
}

function scannerFindings(
  deployment: Deployment,
  containers: readonly Container[],
  called: string,
): readonly string[] {
  const scanner = containers.find(({ name }) => name === called);
  const clamav = containers.find(({ name, owner }) => name === 'clamav' && owner === scanner?.owner);
  const service = ofType(deployment, 'google_cloud_run_v2_service').find(({ index }) => index === called);
  if (!scanner || !clamav || !service) return [`there is no ${called} with ClamAV beside it`];
  const findings: string[] = [];
  const insist = (holds: boolean, finding: string): void => {
    if (!holds) findings.push(`${called}: ${finding}`);
  };
  const env = envOf(scanner);
  const sidecar = envOf(clamav);
  const template = at(service.values, 'template', 0);
  const slots = Number(env['SCAN_SLOTS']);
  const known = sidecarVariables();

  insist(listAt(scanner.values, 'depends_on').includes('clamav'), 'starts before ClamAV does');
  for (const name of Object.keys(sidecar))
    insist(known.has(name), `sidecar sets ${name}, which it does not read`);
  insist(env['MAX_SCAN_BYTES'] === sidecar['MAX_SCAN_BYTES'], 'MAX_SCAN_BYTES differ');
  insist(env['SCAN_SLOTS'] === sidecar['MAX_THREADS'], 'SCAN_SLOTS and MAX_THREADS differ');
  insist(env['CLAMD_PORT'] === sidecar['CLAMD_PORT'], 'CLAMD_PORT differ');
  const held = slots + Number(env['SCAN_QUEUE']);
  const concurrency = numberAt(template, 'max_instance_request_concurrency');
  // https://cloud.google.com/run/docs/about-instance-autoscaling: it aims at 60 % of the concurrency.
  insist(
    concurrency > held && concurrency * 0.6 < held,
    `a concurrency of ${concurrency} either holds requests back before the queue of ${held} does, or starts no instance once it is full`,
  );
  const windowed = Number(env['WINDOWED_SCAN_MAX_BYTES'] ?? '0') > 0;
  insist(
    textAt(template, 'timeout') === (windowed ? '3600s' : '600s'),
    'the request timeout is neither the ack deadline nor, with windows, an hour',
  );
  insist((sidecar['SIGNATURE_MIRROR'] ?? '') !== '', 'the sidecar has no signature mirror');

  const scratch = textAt(template, 'volumes', 0, 'empty_dir', 0, 'size_limit');
  const scratchBytes = Number(scratch.replace(/Mi$/, '')) * MIB;
  const needed = sizesFor(Number(env['MAX_SCAN_BYTES'])).temporary * slots + LOW_WATER;
  insist(scratchBytes >= needed, `${scratch} of temporary space, ${needed} bytes are needed`);
  for (const container of [scanner, clamav]) {
    const mount = listAt(container.values, 'volume_mounts').find(
      (entry) => textAt(entry, 'name') === 'scratch',
    );
    insist(
      textAt(mount, 'mount_path') === env['CLAMD_TEMP_DIR'],
      `${container.name} does not see CLAMD_TEMP_DIR`,
    );
    const isKept = numberAt(template, 'scaling', 0, 'min_instance_count') > 0;
    insist(
      at(container.values, 'resources', 0, 'cpu_idle') === !isKept,
      isKept
        ? `${container.name} is kept, and has a CPU for requests only`
        : `${container.name} is billed without a request`,
    );
  }
  insist(
    (sidecar['TEMPORARY_DIRECTORY'] ?? '').startsWith(`${env['CLAMD_TEMP_DIR']}/`),
    "clamd's files are elsewhere",
  );
  const memory =
    Number(textAt(clamav.values, 'resources', 0, 'limits', 'memory').replace(/Gi$/, '')) * 1024 * MIB;
  insist(
    memory >= scratchBytes + 3.5 * 1024 * MIB,
    'ClamAV has no memory for signatures beside its temporary files',
  );
  return findings;
}

/** A service that names no traffic stays with the revision that somebody has pinned it to. */
function trafficFindings(deployment: Deployment): readonly string[] {
  return ofType(deployment, 'google_cloud_run_v2_service').flatMap(({ address, values }) => {
    const latest =
      textAt(values, 'traffic', 0, 'type') === 'TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST' &&
      numberAt(values, 'traffic', 0, 'percent') === 100;
    return latest ? [] : [`${address}: the latest revision does not get all traffic`];
  });
}

function ingressFindings(deployment: Deployment): readonly string[] {
  const balanced = ofType(deployment, 'google_compute_url_map').length > 0;
  return ofType(deployment, 'google_cloud_run_v2_service').flatMap(({ name, index, values }) => {
    const ingress = textAt(values, 'ingress');
    const service = String(index ?? name);
    if (service !== 'upload' && service !== 'files' && at(values, 'invoker_iam_disabled') === true)
      return [`${service}: IAM is not asked who may call it`];
    if (name === 'scanner' && ingress !== 'INGRESS_TRAFFIC_INTERNAL_ONLY')
      return [`${service}: ingress ${ingress}`];
    const isApi = service === 'upload' || service === 'files';
    const around = balanced && isApi && ingress !== 'INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER';
    return around ? [`${service}: can be reached around the load balancer`] : [];
  });
}

/** Host names without a load balancer: upload and files have their own, and links have to lead to the second. */
function filesUrlFindings(deployment: Deployment, containers: readonly Container[]): readonly string[] {
  const balanced = ofType(deployment, 'google_compute_url_map').length > 0;
  const files = ofType(deployment, 'google_cloud_run_v2_service').find(({ index }) => index === 'files');
  const service = textAt(files?.values, 'name');
  return ['upload', 'files', 'scanner', 'sweeper'].flatMap((name) => {
    const container = containers.find((candidate) => candidate.name === name);
    const url = (container && envOf(container)['FILES_URL']) ?? '';
    const own = url.startsWith(`https://${service}-`) && url.endsWith('.run.app');
    const right = balanced ? /^https:\/\/[^/]+$/.test(url) && !url.endsWith('.run.app') : own;
    return right ? [] : [`${name}: FILES_URL "${url}" does not lead to the files function`];
  });
}
