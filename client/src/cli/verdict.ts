import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostsOf } from '../addresses.ts';
import { FileshareConnectionError, problemOf } from '../errors.ts';
import { type VerdictKeys, verifyVerdict } from '../node-verdict.ts';
import type { VerdictStatement } from '../verdict.ts';
import { addressesOf, connect } from './connect.ts';
import { type Context, harmless, print } from './context.ts';
import { EXIT, type ExitCode, UsageError } from './exit.ts';

/** `fileshare verdict ID [--jws]` */
export async function verdictCommand(context: Context, id: string, flags: { jws?: true }): Promise<void> {
  const fileshare = connect(context);
  if (flags.jws) {
    const jws = await fileshare.verdictJws(id, context);
    return print(context, { jws }, jws);
  }
  const envelope = await fileshare.verdict(id, context);
  print(context, envelope, JSON.stringify(envelope));
}

/** `fileshare verify-verdict FILE STATEMENT [--keys URL-OR-FILE]`: needs no token, and with a file of keys no network. */
export async function verifyVerdictCommand(
  context: Context,
  file: string,
  statementFile: string,
  flags: { keys?: string },
): Promise<void> {
  const text = await readFile(statementFile, 'utf8');
  const keys = await keysFrom(context, flags.keys);
  const statement = await verifyVerdict(text, keys, bytesOf(file, context.signal));
  print(context, statement, explained(file, statement));
  context.exit(EXIT_OF[statement.predicate.verdict] ?? EXIT.failed);
}

/** Opened when the first of it is asked for. */
async function* bytesOf(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path, { highWaterMark: 1024 * 1024, signal });
}

const EXIT_OF: Readonly<Record<string, ExitCode>> = {
  clean: EXIT.ok,
  infected: EXIT.infected,
  unscannable: EXIT.unscannable,
};

/** @throws {UsageError} where a file has no key set */
export async function keysFrom(context: Context, source: string | undefined): Promise<VerdictKeys> {
  const url = source ?? `${hostsOf(addressesOf(context)).files}/.well-known/jwks.json`;
  const text = /^https?:/.test(url) ? await fetched(context, url) : await readFile(url, 'utf8');
  try {
    const found = JSON.parse(text) as VerdictKeys;
    if (Array.isArray(found.keys)) return found;
  } catch {
    // Said below.
  }
  throw new UsageError(
    `${url} has no key set: it should be what /.well-known/jwks.json of the deployment answers.`,
  );
}

async function fetched({ fetch, signal }: Context, url: string): Promise<string> {
  const response = await fetch(url, { signal }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new FileshareConnectionError(`${url}: no answer`, { cause });
  });
  if (!response.ok) throw await problemOf(response);
  return response.text();
}

/** The statement, for people. */
function explained(
  file: string,
  { subject: [{ digest }], predicate, predicateType }: VerdictStatement,
): string {
  const { verdict, signature, reason, engine, scannedAt, decidedAt, issuedAt } = predicate;
  const { recalledAt, releasedAt } = predicate;
  const why = signature ?? reason;
  const lines = [
    `${file}: ${verdict}${why === undefined ? '' : ` (${why})`}`,
    `The signature is valid for this file: ${predicate.size} bytes with SHA-256 ${digest.sha256}.`,
    engine ? `Scanned at ${scannedAt} by ${engineOf(engine)}.` : 'Not scanned: ClamAV was not asked.',
    predicate.coverage && 'Scanned in overlapping windows, since it is too large for ClamAV.',
    predicate.reused && 'An earlier scan of the same bytes decided.',
    predicate.accepted && 'The deployment hands it out although it could not be scanned.',
    releasedAt && `Malware had been found in it; an operator lifted that finding at ${releasedAt}.`,
    recalledAt && `It had been clean until it was recalled at ${recalledAt}.`,
    `Decided at ${decidedAt} on file ${predicate.fileId}.`,
    `Signed at ${issuedAt}; ask again for what is known today. Kind of statement: ${predicateType}`,
  ];
  return lines.flatMap((line) => (line ? [harmless(line)] : [])).join('\n');
}

function engineOf({
  version,
  database,
  databaseDate,
}: NonNullable<VerdictStatement['predicate']['engine']>): string {
  const signatures = database === undefined ? '' : `, signatures ${database}`;
  return `ClamAV ${version}${signatures}${databaseDate === undefined ? '' : ` of ${databaseDate}`}`;
}
