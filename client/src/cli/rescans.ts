import { randomBytes } from 'node:crypto';
import { ask } from './admin.ts';
import { bytes, type Context, harmless, print, say } from './context.ts';
import { UsageError } from './exit.ts';

export interface StartFlags {
  readonly prefix?: string;
  /** RFC 3339. */
  readonly cleanFrom?: string;
  readonly cleanBefore?: string;
  readonly database?: number;
  readonly quarantine?: true;
  readonly everything?: true;
  readonly dryRun?: true;
}

interface Estimate {
  readonly files: number;
  readonly bytes: number;
  readonly exact: boolean;
  readonly listings: number;
  readonly scanSeconds: number;
  readonly days?: number;
  readonly dollars: number;
}

interface Job {
  readonly job: string;
  readonly state: string;
  readonly by: string;
  readonly requested: { readonly files: number; readonly bytes: number };
  readonly passed: number;
  readonly share: number;
}

/** `fileshare admin rescan start [NAME]`: a name that is not given is made, and told before the order is sent. */
export async function startRescanCommand(
  context: Context,
  name: string | undefined,
  { dryRun, ...criteria }: StartFlags,
): Promise<void> {
  const { everything, ...by } = criteria;
  if (Object.keys(by).length > 0 === (everything === true)) {
    throw new UsageError(
      'Choose contents by --prefix, --clean-from, --clean-before, --database, --quarantine or --everything.',
    );
  }
  const planned = await ask(context, '/rescans', { json: { ...criteria, dryRun: true } });
  const { estimate } = (await planned.json()) as { estimate: Estimate };
  if (dryRun) {
    print(context, estimate, planOf(estimate));
    return;
  }
  say(context, planOf(estimate));
  const job = name ?? `${new Date().toISOString().slice(0, 10)}-${randomBytes(3).toString('hex')}`;
  say(context, `The job is ${job}: after an error, send it again by this name.`);
  show(context, await (await ask(context, '/rescans', { json: { ...criteria, job } })).json());
}

/** `fileshare admin rescan status [NAME]` */
export async function rescansCommand(context: Context, name: string | undefined): Promise<void> {
  const path = `/rescans${name === undefined ? '' : `?job=${encodeURIComponent(name)}`}`;
  const answer = (await (await ask(context, path, { method: 'GET' })).json()) as
    | Job
    | { items: readonly Job[] };
  for (const job of 'items' in answer ? answer.items : [answer]) show(context, job);
}

/** `fileshare admin rescan pause | resume | cancel NAME` */
export async function rescanCommand(
  context: Context,
  wish: 'pause' | 'resume' | 'cancel',
  job: string,
): Promise<void> {
  show(context, await (await ask(context, `/rescans/${wish}`, { json: { job } })).json());
}

function show(context: Context, answer: unknown): void {
  const { job, state, by, requested, passed, share } = answer as Job;
  const done = `${Math.floor(share * 100)} %`.padStart(5);
  const sent = `${requested.files} sent (${bytes(requested.bytes)}), ${passed} passed over`;
  print(context, answer, harmless([state.padEnd(9), job, done, sent, by].join('  ')));
}

function planOf({ files, bytes: size, exact, listings, scanSeconds, days, dollars }: Estimate): string {
  const many = `${exact ? '' : 'About '}${files} contents, ${bytes(size)}`;
  const long = `${scanSeconds} s of scans${days === undefined ? '' : `, ${days} ${days === 1 ? 'day' : 'days'} by the budget`}`;
  return `${many}: ${listings} listings, ${long}, $${dollars}.`;
}
