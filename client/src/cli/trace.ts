import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Context, harmless, print, say } from './context.ts';
import { UsageError } from './exit.ts';

export interface TraceFlags {
  readonly logs: string;
  readonly project?: string;
}

const TRACE = 'logging.googleapis.com/trace';
/** Fields that every line has, or that are shown elsewhere. */
const COMMON: ReadonlySet<string> = new Set(
  `severity time service message requestId audit err stack_trace ${TRACE} logging.googleapis.com/spanId
   logging.googleapis.com/trace_sampled fileId`.split(/\s+/),
);

interface Line {
  readonly time: Date;
  readonly service: string;
  readonly severity: string;
  readonly message: string;
  readonly trace: string | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** `fileshare trace`: what happened to one file, in order, from the log of every function. */
export async function traceCommand(context: Context, id: string, flags: TraceFlags): Promise<void> {
  if (!/^[0-9a-v]{43}$/.test(id)) throw new UsageError(`${harmless(id)} is not the id of a file.`);
  if (flags.project !== undefined) return production(context, id, flags.project);
  const lines = await followed(flags.logs, id);
  if (lines.length === 0) throw new UsageError(`No line in ${flags.logs} names this file.`);
  for (const [index, line] of lines.entries()) {
    const sinceFirst = line.time.getTime() - (lines[0] ?? line).time.getTime();
    const sincePrevious = line.time.getTime() - (lines[index - 1] ?? line).time.getTime();
    print(context, { ...line, sinceFirst, sincePrevious }, textOf(line, sinceFirst, sincePrevious));
  }
  const traces = new Set(lines.flatMap(({ trace }) => trace ?? []));
  say(context, `${lines.length} lines, ${traces.size === 1 ? 'one trace' : `${traces.size} traces`}`);
}

/** The same question to Cloud Logging. */
function production(context: Context, id: string, project: string): void {
  if (!/^[a-z][a-z0-9.:-]{4,61}[a-z0-9]$/.test(project))
    throw new UsageError('--project takes the id of a project.');
  const filter = `jsonPayload.fileId="${id}" OR jsonPayload.audit.fileId="${id}"`;
  const fields = 'timestamp,resource.labels.service_name,severity,jsonPayload.message,trace';
  const command = `gcloud logging read '${filter}' --project=${project} --order=asc --freshness=30d --format='table(${fields})'`;
  print(context, { filter, command }, command);
}

/** Lines that name the file, and all others of the traces of those. */
async function followed(folder: string, id: string): Promise<readonly Line[]> {
  const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.log'));
  if (files.length === 0) {
    throw new UsageError(
      `There are no logs in ${folder}. Use --logs, or --project for a deployment on Google Cloud.`,
    );
  }
  const traces = new Set<string>();
  for (const name of files) {
    for await (const { trace } of linesOf(join(folder, name), [id])) if (trace) traces.add(trace);
  }
  const found: Line[] = [];
  for (const name of files) {
    for await (const line of linesOf(join(folder, name), [id, ...traces])) found.push(line);
  }
  // Of the same millisecond, as they are in their file.
  return found.sort((a, b) => a.time.getTime() - b.time.getTime());
}

async function* linesOf(file: string, words: readonly string[]): AsyncGenerator<Line> {
  for await (const text of createInterface({ input: createReadStream(file) })) {
    const line = words.some((word) => text.includes(word)) ? parsed(text, basename(file, '.log')) : undefined;
    if (line) yield line;
  }
}

function parsed(text: string, file: string): Line | undefined {
  try {
    const fields = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const time = new Date(String(fields['time']));
    if (Number.isNaN(time.getTime())) return undefined;
    const { audit, err } = fields as { audit?: Record<string, unknown>; err?: { message?: unknown } };
    const { action, status, problem } = audit ?? {};
    const facts = {
      ...Object.fromEntries(Object.entries(fields).filter(([name]) => !COMMON.has(name))),
      ...(audit && { action, status, problem }),
      ...(err && { err: err.message }),
    };
    return {
      time,
      service: String(fields['service'] ?? file),
      severity: String(fields['severity'] ?? 'DEFAULT'),
      message: String(fields['message'] ?? ''),
      trace: typeof fields[TRACE] === 'string' ? fields[TRACE].replace(/^.*\//, '') : undefined,
      facts,
    };
  } catch {
    return undefined;
  }
}

function textOf(
  { service, severity, message, facts }: Line,
  sinceFirst: number,
  sincePrevious: number,
): string {
  const shown = Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`],
  );
  const weight = severity === 'INFO' ? '' : `${severity} `;
  const times = `${String(sinceFirst).padStart(8)} ms ${`+${sincePrevious}`.padStart(7)}`;
  return harmless(`${times}  ${service.padEnd(9)}  ${weight}${message}  ${shown.join(' ')}`).trimEnd();
}
