import * as v from 'valibot';

interface Source {
  readonly services: readonly string[];
  readonly message: string;
}

const BOTH = ['scanner', 'sweeper'];
const SCANNERS = ['scanner', 'rescanner'];

/** Counters of terraform/metrics.tf, with their labels; a test compares. */
export const COUNTERS = {
  rescans: { services: ['rescanner'], message: 're-scan completed', label: 'outcome' },
  scans: { services: BOTH, message: 'scan completed', label: 'verdict' },
  failed: { services: BOTH, message: 'file failed', label: 'failure' },
  not_completed: { services: ['scanner'], message: 'scan not completed' },
  redriven: { services: ['sweeper'], message: 'file redriven' },
  by_database: { services: ['scanner'], message: 'scan completed', label: 'database', only: 'database' },
  audits: { services: ['auditor'], message: 'audit completed', only: 'complete' },
  rules_broken: { services: ['auditor'], message: 'rule broken', label: 'rule' },
} as const satisfies Record<string, Source & { readonly label?: string; readonly only?: string }>;

/** Distributions of terraform/metrics.tf, each in the unit that docs/operations.md has. */
export const DISTRIBUTIONS = {
  rescan_job_seconds: {
    services: ['sweeper'],
    message: 're-scans requested',
    field: 'jobs.behindSeconds',
  },
  rescan_behind_seconds: {
    services: ['sweeper'],
    message: 're-scans requested',
    field: 'behindSeconds',
  },
  scan_milliseconds: { services: ['scanner'], message: 'scan completed', field: 'scanMs' },
  slots_used: { services: SCANNERS, message: 'slots in use', field: 'slotsUsed' },
  slots_free: { services: SCANNERS, message: 'slots in use', field: 'slotsFree' },
  verdict_seconds: { services: ['scanner'], message: 'scan completed', field: 'verdictSeconds' },
  oldest_pending_seconds: {
    services: ['sweeper'],
    message: 'sweep completed',
    field: 'oldestPendingSeconds',
  },
  signature_age_seconds: { services: BOTH, message: 'scan completed', field: 'signatureAgeSeconds' },
} as const satisfies Record<string, Source & { readonly field: string }>;

export type CounterName = keyof typeof COUNTERS;
export type DistributionName = keyof typeof DISTRIBUTIONS;

/** Also counts server errors, which Cloud Run counts itself. */
const SERVED = ['upload', 'files'];

const LINE = v.looseObject({
  message: v.string(),
  audit: v.optional(v.looseObject({ status: v.optional(v.number()) })),
});

/** Longest window of a reading; ms. */
const DAY = 86_400_000;
/** Samples of one metric; the oldest are forgotten. */
const KEPT = 100_000;
const TRIM_EVERY = 1_000;

interface Sample {
  readonly at: number;
  readonly service: string;
  /** Label of a counter, or value of a distribution. */
  readonly value: string | number;
}

/** The metrics that a deployment makes of the log lines of its functions, of those of this machine. */
export class LogMetrics {
  readonly #samples = new Map<string, Sample[]>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** A line of a process's log. */
  read(service: string, text: string): void {
    if (!text.startsWith('{')) return;
    const line = parse(text);
    if (!line) return;
    for (const [name, counter] of Object.entries(COUNTERS)) {
      if (!isFrom(counter, service, line.message)) continue;
      if ('only' in counter && !line[counter.only]) continue;
      this.#add(name, service, 'label' in counter ? String(line[counter.label] ?? '') : '');
    }
    for (const [name, distribution] of Object.entries(DISTRIBUTIONS)) {
      if (!isFrom(distribution, service, line.message)) continue;
      const value = memberOf(line, distribution.field);
      if (typeof value === 'number' && value >= 0) this.#add(name, service, value);
    }
    const { status = 0 } = line.audit ?? {};
    if (line.message === 'audit' && SERVED.includes(service) && status >= 500) {
      this.#add('serverErrors', service, '');
    }
  }

  /** Cloud Run's line about a request for which it had no instance, which the front writes none of. */
  refused(service: string): void {
    if (SERVED.includes(service)) this.#add('refused', service, '');
  }

  /** How many there were of each label within the last `windowMs`. */
  increase(name: CounterName | 'serverErrors' | 'refused', windowMs: number): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { value } of this.#within(name, windowMs)) {
      counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
    }
    return counts;
  }

  /** The value that the `share` of those within the last `windowMs` do not exceed; undefined where there are none. */
  quantile(share: number, name: DistributionName, windowMs: number): number | undefined {
    const values = this.#within(name, windowMs).map(({ value }) => Number(value));
    values.sort((one, other) => one - other);
    return values[Math.max(0, Math.ceil(share * values.length) - 1)];
  }

  /** The values within the last `windowMs`, by service. */
  values(name: DistributionName, windowMs: number): ReadonlyMap<string, readonly number[]> {
    const samples = Map.groupBy(this.#within(name, windowMs), ({ service }) => service);
    return new Map([...samples].map(([service, seen]) => [service, seen.map(({ value }) => Number(value))]));
  }

  #within(name: string, windowMs: number): readonly Sample[] {
    const from = this.#now() - windowMs;
    return (this.#samples.get(name) ?? []).filter(({ at }) => at >= from);
  }

  #add(name: string, service: string, value: string | number): void {
    const samples = this.#samples.get(name) ?? [];
    this.#samples.set(name, samples);
    samples.push({ at: this.#now(), service, value });
    if (samples.length % TRIM_EVERY !== 0) return;
    const young = samples.findIndex(({ at }) => at >= this.#now() - DAY);
    samples.splice(0, Math.max(young, samples.length - KEPT));
  }
}

function isFrom({ services, message }: Source, service: string, said: string): boolean {
  return message === said && services.includes(service);
}

/** A member of a line, by its path with dots. */
function memberOf(line: object, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], line);
}

function parse(text: string): v.InferOutput<typeof LINE> | undefined {
  try {
    const line = v.safeParse(LINE, JSON.parse(text));
    return line.success ? line.output : undefined;
  } catch {
    return undefined;
  }
}
