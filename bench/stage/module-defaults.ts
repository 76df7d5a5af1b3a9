import { readFileSync } from 'node:fs';
import deployment from '../../infra/local/deployment.json' with { type: 'json' };

const TERRAFORM = new URL('../../terraform/', import.meta.url);

/** Defaults of the Terraform module. `deployment.json` is generated from it, and has what the platform enforces. */
export interface ModuleDefaults {
  /** Requests that one instance of a service gets at a time. */
  readonly concurrency: Readonly<Record<ServiceName, number>>;
  readonly maxInstances: Readonly<Record<ServiceName, number>>;
  readonly minInstances: Readonly<Record<'upload' | 'files' | 'scanner', number>>;
  /** Scans at a time in an instance of the scanner. */
  readonly scanSlots: number;
  /** Scans that may wait in an instance of the scanner. */
  readonly scanQueue: number;
  /** How the finalize events are pushed to the scanner. */
  readonly push: {
    readonly ackDeadlineSeconds: number;
    readonly minBackoffSeconds: number;
    readonly maxBackoffSeconds: number;
    readonly maxDeliveryAttempts: number;
  };
}

type ServiceName = keyof (typeof deployment)['services'];

/** @throws {Error} where the module says it in another way than this reads it */
export function moduleDefaults(): ModuleDefaults {
  const { services, push } = deployment;
  const of = (field: 'concurrency' | 'maxInstances'): Record<ServiceName, number> => ({
    upload: services.upload[field],
    files: services.files[field],
    scanner: services.scanner[field],
    rescanner: services.rescanner[field],
    sweeper: services.sweeper[field],
    notify: services.notify[field],
    auditor: services.auditor[field],
    exporter: services.exporter[field],
  });
  const scanSlots = moduleNumber('scanner', 'slots');
  return {
    concurrency: of('concurrency'),
    maxInstances: of('maxInstances'),
    minInstances: {
      upload: moduleNumber('upload', 'min_instances'),
      files: moduleNumber('files', 'min_instances'),
      scanner: moduleNumber('scanner', 'min_instances'),
    },
    scanSlots,
    scanQueue: queueASlot() * scanSlots,
    push,
  };
}

/** The default of an attribute of a variable of the module, such as `slots = optional(number, 2)`. */
export function moduleNumber(variable: string, attribute: string): number {
  return Number(defaultOf(variable, attribute, 'number, (\\d+)'));
}

/** Value as {@link moduleNumber}, such as `memory = optional(string, "1Gi")`. */
export function moduleText(variable: string, attribute: string): string {
  return defaultOf(variable, attribute, 'string, "([^"]*)"');
}

function defaultOf(variable: string, attribute: string, type: string): string {
  const text = readFileSync(new URL('variables.tf', TERRAFORM), 'utf8');
  const [block] = new RegExp(`^variable "${variable}" \\{$.*?^\\}$`, 'ms').exec(text) ?? [];
  const line = new RegExp(`^\\s+${attribute}\\s*=\\s*optional\\(${type}\\)$`, 'm');
  const [, value] = line.exec(block ?? '') ?? [];
  if (value === undefined)
    throw new Error(`terraform/variables.tf has no default of ${variable}.${attribute}`);
  return value;
}

function queueASlot(): number {
  const text = readFileSync(new URL('scanner.tf', TERRAFORM), 'utf8');
  const [, value] =
    /scan_queue\s*=\s*coalesce\(var\.fairness\.scan_queue, (\d+) \* var\.scanner\.slots\)/.exec(text) ?? [];
  if (value === undefined) throw new Error('terraform/scanner.tf has no default of scan_queue');
  return Number(value);
}
