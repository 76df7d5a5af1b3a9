import { randomUUID } from 'node:crypto';
import { hostsOf } from '../../addresses.ts';
import type { Token } from '../../http.ts';
import { addressesOf, tokenOf } from '../connect.ts';
import { type Context, say } from '../context.ts';
import { EXIT, messageOf, UsageError } from '../exit.ts';
import { Subscription } from '../pubsub.ts';
import { access, deletion } from './access.ts';
import { Caller } from './caller.ts';
import type { Check, Run } from './check.ts';
import { cleanup } from './cleanup.ts';
import { downloads } from './downloads.ts';
import { events } from './events.ts';
import { NotChecked, NotHeld } from './not-held.ts';
import { documentOf, HEADING, type Result, rowOf, summaryOf } from './report.ts';
import { service } from './service.ts';
import { statements } from './statements.ts';
import { uploads } from './uploads.ts';
import { verdicts } from './verdicts.ts';

export interface VerifyFlags {
  readonly token?: string;
  readonly otherToken?: string;
  readonly subscription?: string;
  readonly pubsubToken?: string;
  readonly timeout: number;
}

/** Ordered as they need each other; uploads come before what waits for their scans. */
const CHECKS: readonly Check[] = [
  ...service,
  ...uploads,
  ...access,
  ...verdicts,
  ...downloads,
  statements,
  events,
  deletion,
];

/** Milliseconds without which a request is given up, whatever --timeout says: 40 MiB may be under way. */
const LEAST_REQUEST_MS = 120_000;

/** `fileshare verify`: an acceptance run on a deployment, by nothing but its public API. */
export async function verifyCommand(context: Context, flags: VerifyFlags): Promise<void> {
  const run = runOf(context, flags);
  const { json } = context.common;
  const results: Result[] = [];
  const tell = (result: Result) => {
    results.push(result);
    if (!json) process.stdout.write(`${rowOf(result)}\n`);
  };
  const { upload, files } = run.hosts;
  say(context, `Verifying ${upload === files ? upload : `${upload} and ${files}`}`);
  if (!json) process.stdout.write(`${HEADING}\n`);
  const began = new Date();
  /** Why nothing more can be checked: a gate, all of which come before uploads. */
  let closed: string | undefined;
  for (const check of CHECKS) {
    const why = closed ?? (run.signal.aborted ? 'interrupted' : undefined);
    const result = why ? notChecked(check, why) : await resultOf(check, run);
    tell(result);
    if (check.gate && result.outcome === 'not held') closed ??= `${check.id} is not held, see above`;
  }
  tell(closed ? notChecked(cleanup, 'nothing was uploaded') : await resultOf(cleanup, run));
  const facts = { uploadUrl: upload, filesUrl: files, began, ms: Date.now() - began.getTime() };
  process.stdout.write(json ? `${JSON.stringify(documentOf(results, facts))}\n` : `${summaryOf(results)}\n`);
  if (context.signal.aborted) context.exit(EXIT.interrupted);
  if (results.some(({ outcome }) => outcome === 'not held')) context.exit(EXIT.failed);
}

/** @throws {UsageError} */
function runOf(context: Context, flags: VerifyFlags): Run {
  const { env, fetch, signal } = context;
  const hosts = hostsOf(addressesOf(context));
  const timeoutMs = flags.timeout * 1000;
  const limits = { fetch, signal, timeoutMs: Math.max(timeoutMs, LEAST_REQUEST_MS) };
  const callerOf = (token?: Token) => new Caller(hosts, token, limits);
  const otherToken = flags.otherToken ?? (env['FILESHARE_OTHER_TOKEN'] || undefined);
  const token = flags.token ?? tokenOf(context);
  if (otherToken !== undefined && otherToken === token)
    throw new UsageError('Both tokens are the same. The other one must be of another principal.');
  return {
    hosts,
    signal,
    timeoutMs,
    owner: callerOf(token),
    nobody: callerOf(),
    other: otherToken ? callerOf(otherToken) : undefined,
    subscription: flags.subscription
      ? new Subscription(flags.subscription, context, flags.pubsubToken)
      : undefined,
    prefix: `fileshare-verify-${randomUUID()}-`,
    sent: new Map(),
  };
}

function notChecked(check: Check, note: string): Result {
  return { check, outcome: 'not checked', ms: 0, note };
}

async function resultOf(check: Check, run: Run): Promise<Result> {
  const began = performance.now();
  try {
    const observed = await check.run(run);
    return { check, outcome: 'held', ms: observed?.ms ?? performance.now() - began, note: observed?.note };
  } catch (error) {
    const ms = performance.now() - began;
    if (error instanceof NotChecked) return notChecked(check, error.message);
    if (run.signal.aborted && check !== cleanup) return notChecked(check, 'interrupted');
    const { expected, got, hint } =
      error instanceof NotHeld ? error : { expected: check.promise, got: messageOf(error), hint: undefined };
    const look = [hint, check.look].filter(Boolean).join(' ');
    return { check, outcome: 'not held', ms, expected, got, look };
  }
}
