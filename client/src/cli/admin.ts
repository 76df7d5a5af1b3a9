import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { FileshareConnectionError, problemOf } from '../errors.ts';
import { bytes, type Context, harmless, print, say } from './context.ts';
import { EXIT, UsageError } from './exit.ts';

interface Order {
  readonly json?: object;
  readonly file?: string;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
}

/**
 * Calls the sweeper. Cloud Run checks who does, by an identity token.
 * @throws {UsageError}, {FileshareProblem}, {FileshareConnectionError}
 */
export async function ask(context: Context, path: string, order: Order = {}): Promise<Response> {
  const { env, fetch, signal } = context;
  const [base, file] = [env['FILESHARE_SWEEPER_URL'], env['FILESHARE_OPERATOR_TOKEN_FILE']];
  const token = env['FILESHARE_OPERATOR_TOKEN'] || (file && (await readFile(file, 'utf8')).trim());
  if (!base || !token) {
    throw new UsageError(
      'Set FILESHARE_SWEEPER_URL to the URL of the sweeper and FILESHARE_OPERATOR_TOKEN to an identity token, as from ' +
        '`gcloud auth print-identity-token`. With `npm start`: eval "$(npm run --silent operator)"',
    );
  }
  const body =
    order.file === undefined
      ? order.json && JSON.stringify(order.json)
      : (Readable.toWeb(createReadStream(order.file)) as ReadableStream);
  const url = `${base.replace(/\/+$/, '')}${path}`;
  const response = await fetch(url, {
    method: order.method ?? 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...(order.json && { 'content-type': 'application/json' }),
    },
    signal,
    ...(body !== undefined && { body, duplex: 'half' }),
  } as RequestInit).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new FileshareConnectionError(`${url}: no answer`, { cause });
  });
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** Calls a path and prints its report. */
async function report(context: Context, path: string, json?: object): Promise<void> {
  const answer: unknown = await (await ask(context, path, json && { json })).json();
  const lines = JSON.stringify(answer, undefined, 2).split('\n');
  print(context, answer, lines.map(harmless).join('\n'));
}

/** `fileshare admin sweep | collect | rescan` */
export async function dutyCommand(context: Context, duty: 'sweep' | 'collect' | 'rescan'): Promise<void> {
  await report(context, `/${duty}`);
}

/** `fileshare admin redrive ID` or `--all` */
export async function redriveCommand(
  context: Context,
  fileId: string | undefined,
  { all = false }: { all?: boolean },
): Promise<void> {
  if (all === (fileId !== undefined)) throw new UsageError('Give one file, or use --all.');
  await report(context, '/redrive', all ? { state: 'failed' } : { fileId });
}

/** `fileshare admin release SHA256 REASON [--signature NAME]` */
export async function releaseCommand(
  context: Context,
  sha256: string,
  reason: string,
  { signature }: { signature?: string },
): Promise<void> {
  await report(context, '/release', { sha256, reason, ...(signature && { signature }) });
}

/** `fileshare admin condemn SHA256 REASON` */
export async function condemnCommand(context: Context, sha256: string, reason: string): Promise<void> {
  await report(context, '/condemn', { sha256, reason });
}

interface Quarantined {
  readonly name: string;
  readonly size: number;
  readonly found?: string;
  readonly signature?: string;
  readonly finding?: string;
  readonly cleanSince?: { readonly version: string; readonly database?: number; readonly at: string };
}

/** `fileshare admin quarantine` */
export async function quarantineCommand(context: Context): Promise<void> {
  for (let after: string | undefined; ; ) {
    const path = `/quarantine${after === undefined ? '' : `?after=${encodeURIComponent(after)}`}`;
    const response = await ask(context, path, { method: 'GET' });
    const { items, next } = (await response.json()) as { items: readonly Quarantined[]; next?: string };
    for (const item of items) {
      const { name, size, found, signature = found ?? '', finding = '', cleanSince: clean } = item;
      const since = clean && `clean by ${clean.version}/${clean.database ?? '-'} since ${clean.at}`;
      print(
        context,
        item,
        [name.padEnd(71), bytes(size).padStart(9), finding.padEnd(14), harmless(signature), since]
          .filter((part) => part !== undefined)
          .join('  '),
      );
    }
    if (next === undefined) return;
    after = next;
  }
}

/** `fileshare admin quarantine-rescan NAME`: `requested` is 0 where no scan is why it is there. */
export async function quarantineRescanCommand(context: Context, name: string): Promise<void> {
  await report(context, '/quarantine/rescan', { name });
}

/** `fileshare admin quarantine-content NAME -o FILE`: a zip under the password "infected". */
export async function quarantineContentCommand(
  context: Context,
  name: string,
  { output }: { output: string },
): Promise<void> {
  const path = `/quarantine/content?name=${encodeURIComponent(name)}`;
  const { body } = await ask(context, path, { method: 'GET' });
  if (!body) throw new FileshareConnectionError(`${path}: no bytes`);
  // Malware replaces nothing.
  const file = createWriteStream(output, { flags: 'wx', mode: 0o600 });
  await pipeline(Readable.fromWeb(body as ReadableStream), file, { signal: context.signal });
  if (context.common.json) print(context, { name, output }, '');
  else say(context, `${output}: a zip, its password is infected`);
}

interface HuntLine {
  readonly hit?: {
    readonly sha256: string;
    readonly size: number;
    readonly by: string;
    readonly condemned?: 0 | 1;
  };
  readonly report?: { readonly complete: boolean; readonly next?: string };
}

/** `fileshare admin hunt LIST [--condemn REASON]`: exit code 3 where something is found. */
export async function huntCommand(
  context: Context,
  file: string,
  { condemn }: { condemn?: string },
): Promise<void> {
  const planned = (await (await ask(context, '/hunt?estimate', { file })).json()) as Plan;
  say(context, planOf(planned));
  let found = 0;
  for (let next: string | undefined = ''; next !== undefined; ) {
    const query = new URLSearchParams({
      ...(condemn !== undefined && { condemn }),
      ...(next && { from: next }),
    });
    const response = await ask(context, `/hunt?${query}`, { file });
    const { body } = response;
    if (!body) throw new FileshareConnectionError('/hunt: no answer');
    let report: HuntLine['report'];
    for await (const line of createInterface({ input: Readable.fromWeb(body as ReadableStream) })) {
      const answer = JSON.parse(line) as HuntLine;
      if (answer.hit) {
        found++;
        const { sha256, size, by, condemned } = answer.hit;
        const done = condemned === undefined ? '' : condemned ? '  condemned' : '  was refused already';
        print(context, answer.hit, `${sha256}  ${bytes(size).padStart(9)}  by ${by}${done}`);
      }
      report = answer.report;
    }
    if (!report) throw new FileshareConnectionError('/hunt: the answer is not whole; send it again');
    next = report.next;
  }
  say(context, `${found} found`);
  if (found > 0) context.exit(EXIT.infected);
}

interface Plan {
  readonly indicators: Readonly<Record<'sha256' | 'md5' | 'unsupported' | 'linesWithout', number>>;
  readonly estimate: Readonly<Record<'blobs' | 'listings' | 'seconds' | 'dollars', number>>;
}

function planOf({ indicators, estimate }: Plan): string {
  const { sha256, md5, unsupported, linesWithout } = indicators;
  const left = [
    ...(unsupported > 0 ? [`digests of other kinds: ${unsupported}`] : []),
    ...(linesWithout > 0 ? [`lines without a digest: ${linesWithout}`] : []),
  ];
  const list = [`The list names ${sha256} SHA-256 and ${md5} MD5`, ...left].join('; ');
  const { blobs, listings, seconds, dollars } = estimate;
  return `${list}. About ${blobs} contents are stored: ${listings} listings, ${seconds} s, $${dollars}.`;
}
