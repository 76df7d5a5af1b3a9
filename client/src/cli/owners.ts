import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { Command } from 'commander';
import { FileshareConnectionError, FileshareIntegrityError, FileshareProblem } from '../errors.ts';
import { openSigned } from '../node-signed.ts';
import { ask } from './admin.ts';
import { type Context, type GetContext, harmless, print, say } from './context.ts';
import { EXIT, UsageError } from './exit.ts';
import { safeName } from './safe-name.ts';
import { keysFrom } from './verdict.ts';

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const PREDICATE_PATH = '/schemas/erasure.v1.json';

/** A line of a list of what there is of a principal. */
interface Line {
  readonly principal?: string;
  readonly kind?: string;
  readonly bucket?: string;
  readonly name?: string;
  readonly fileId?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly end?: true;
}

interface Erasure {
  readonly listed: number;
  readonly absent: number;
  readonly kept: readonly {
    readonly bucket: string;
    readonly name: string;
    readonly reason: string;
    readonly until?: string;
  }[];
  readonly keptByReason: Readonly<Record<string, number>>;
  readonly unlisted: number;
  readonly complete: boolean;
  readonly issuedAt: string;
}

interface Statement {
  readonly predicateType?: string;
  readonly subject?: readonly { readonly digest?: { readonly sha256?: string } }[];
  readonly predicate?: Erasure;
}

/** Adds `fileshare admin owner` and its commands. */
export function addOwners(admin: Command, context: GetContext): void {
  const owner = admin
    .command('owner')
    .description('everything that is stored about a principal: list, export, erase');
  owner
    .command('list')
    .description('list every object that belongs to or mentions a principal, as JSON lines')
    .argument('<principal>', 'such as org:889640782')
    .action((principal: string) => listCommand(context(), principal));
  owner
    .command('export')
    .description('save that list and all files that can be downloaded to a folder')
    .argument('<principal>', 'such as org:889640782')
    .argument('<folder>', 'folder to write to; repeat the command with it to continue')
    .action((principal: string, folder: string) => exportCommand(context(), principal, folder));
  owner
    .command('erase')
    .description('show what an erasure would delete; with --yes, erase it and get a signed statement')
    .argument('<principal>', 'such as org:889640782')
    .argument('<list>', 'file for the list of what is erased; repeat the command with it to continue')
    .option('--yes', 'really erase')
    .option('--referenced', 'also files that a resource refers to')
    .action((principal: string, list: string, flags: { yes?: true; referenced?: true }) =>
      eraseCommand(context(), { principal, list, ...flags }),
    );
  owner
    .command('verify')
    .description('verify the signed statement of an erasure, offline')
    .argument('<list>', 'the list of what was erased')
    .argument('<statement>', 'the statement, named like the list with .statement.json added')
    .option('--keys <url or file>', 'public keys to trust: the key set of the deployment')
    .action((list: string, statement: string, flags: { keys?: string }) =>
      verifyCommand(context(), { list, statement, ...flags }),
    );
}

/** The list as it comes. @throws {FileshareConnectionError} where it is not whole */
async function* listed(context: Context, principal: string): AsyncGenerator<string> {
  const { body } = await ask(context, '/owner/list', { json: { principal } });
  let last: Line | undefined;
  if (body) {
    for await (const line of createInterface({ input: Readable.fromWeb(body as ReadableStream) })) {
      yield `${line}\n`;
      last = JSON.parse(line) as Line;
    }
  }
  if (!last?.end) throw new FileshareConnectionError('/owner/list: the answer is not whole; try again');
}

async function listCommand(context: Context, principal: string): Promise<void> {
  for await (const line of listed(context, principal)) process.stdout.write(line);
}

/** Writes a file that has its name once it is whole. It has personal data: nobody else may read it. */
async function save(path: string, content: Parameters<typeof writeFile>[1]): Promise<void> {
  await writeFile(`${path}.part`, content, { mode: 0o600, flush: true });
  await rename(`${path}.part`, path);
}

async function* linesIn(path: string): AsyncGenerator<Line> {
  for await (const line of createInterface({ input: createReadStream(path) })) yield JSON.parse(line) as Line;
}

async function exportCommand(context: Context, principal: string, folder: string): Promise<void> {
  const files = join(folder, 'files');
  await mkdir(files, { recursive: true, mode: 0o700 });
  const list = join(folder, 'holdings.ndjson');
  await save(list, listed(context, principal));
  const counts = { saved: 0, withheld: 0 };
  let name: string | undefined;
  for await (const { kind, fileId, metadata = {} } of linesIn(list)) {
    if (kind === 'file') name = safeName(metadata['fileName']);
    if (kind !== 'verdict' || fileId === undefined) continue;
    const path = join(files, name === undefined ? fileId : `${fileId}-${name}`);
    if (existsSync(path) || (await saveContent(context, { principal, file: fileId, path, metadata })))
      counts.saved++;
    else counts.withheld++;
  }
  print(context, counts, `${folder}: ${counts.saved} files`);
  if (counts.withheld > 0) {
    say(context, `${counts.withheld} more have no bytes here: nobody gets what was not found clean.`);
  }
}

/** @returns false where nobody may have the bytes */
async function saveContent(
  context: Context,
  {
    path,
    metadata,
    ...order
  }: { principal: string; file: string; path: string; metadata: NonNullable<Line['metadata']> },
): Promise<boolean> {
  const response = await ask(context, '/owner/content', { json: order }).catch((error: unknown) => {
    if (error instanceof FileshareProblem && error.status === 404) return undefined;
    throw error;
  });
  if (!response?.body) return false;
  const hash = createHash('sha256');
  const hashed = new Transform({
    transform(piece: Buffer, _encoding, done) {
      hash.update(piece);
      done(null, piece);
    },
  });
  const to = createWriteStream(`${path}.part`, { mode: 0o600 });
  await pipeline(Readable.fromWeb(response.body as ReadableStream), hashed, to, { signal: context.signal });
  if (hash.digest('hex') !== metadata['sha256']) {
    throw new FileshareIntegrityError(`${path}: these are not the bytes that were stored; try again`);
  }
  await rename(`${path}.part`, path);
  return true;
}

async function eraseCommand(
  context: Context,
  {
    principal,
    list,
    yes,
    referenced = false,
  }: { principal: string; list: string; yes?: true; referenced?: true | false },
): Promise<void> {
  if (!existsSync(list)) await save(list, listed(context, principal));
  const counts: Record<string, number> = {};
  for await (const line of linesIn(list)) {
    if (line.principal !== undefined && line.principal !== principal) {
      throw new UsageError(`${list} is the list of another principal: name another file.`);
    }
    if (line.kind !== undefined) counts[line.kind] = (counts[line.kind] ?? 0) + 1;
  }
  if (!yes) {
    print(context, counts, `${list}: ${summed(counts)}`);
    say(context, 'Nothing was erased. Add --yes to erase.');
    return;
  }
  for (let complete = false; !complete; ) {
    const answer = await ask(context, '/owner/erase', { json: { principal, referenced } });
    const report = (await answer.json()) as {
      files: Record<string, number>;
      others: Record<string, number>;
      complete: boolean;
    };
    say(context, `Files: ${summed(report.files)}; others: ${summed(report.others)}`);
    complete = report.complete;
  }
  const envelope = await (await ask(context, '/owner/attest', { file: list })).text();
  await save(`${list}.statement.json`, envelope);
  const { payload } = JSON.parse(envelope) as { payload: string };
  const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as Required<Statement>;
  tell(context, predicate);
  say(context, `${list}.statement.json is the signed statement; keep it with ${list}.`);
}

async function verifyCommand(
  context: Context,
  { list, statement, keys }: { list: string; statement: string; keys?: string },
): Promise<void> {
  const found = openSigned<Statement>(
    await readFile(statement, 'utf8'),
    await keysFrom(context, keys),
    PAYLOAD_TYPE,
  );
  const { predicateType, subject, predicate } = found ?? {};
  if (!predicateType?.endsWith(PREDICATE_PATH) || !predicate) {
    throw new FileshareIntegrityError('The signature is valid, but the statement is not about an erasure');
  }
  const hash = createHash('sha256');
  for await (const piece of createReadStream(list)) hash.update(piece as Buffer);
  if (subject?.[0]?.digest?.sha256 !== hash.digest('hex')) {
    throw new FileshareIntegrityError('The statement is about another list');
  }
  tell(context, predicate);
}

function tell(context: Context, erasure: Erasure): void {
  const { listed, absent, kept, keptByReason, unlisted, complete, issuedAt } = erasure;
  const lines = [
    `${issuedAt}: of ${listed} objects, ${absent} are gone. ${complete ? 'Nothing is left' : 'Not complete'}: ${summed(keptByReason)}.`,
    ...(unlisted > 0 ? [`${unlisted} objects came after the list. Erase with another list.`] : []),
    ...kept.map(
      ({ bucket, name, reason, until }) => `  ${bucket}/${name}: ${reason}${until ? `, until ${until}` : ''}`,
    ),
  ];
  print(context, erasure, lines.map(harmless).join('\n'));
  if (!complete) context.exit(EXIT.pending);
}

function summed(counts: Readonly<Record<string, number>>): string {
  return (
    Object.entries(counts)
      .map(([what, count]) => `${what} ${count}`)
      .join(', ') || 'none'
  );
}
