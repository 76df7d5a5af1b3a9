import { sha256In } from '../../sha256.ts';
import { type Answer, requireStatus } from './answer.ts';
import type { Sent } from './check.ts';
import { type Check, type Run, type Subject, sentBefore } from './check.ts';
import { mustBe, NotChecked, NotHeld } from './not-held.ts';
import { sha256Of } from './sent.ts';

const MIB = 1024 * 1024;
const GRANTS =
  'The files function’s account: storage.objects.get on files/ and blobs/ of the permanent bucket.';
const CHANGED =
  'Bytes change in transit: a proxy or CDN rewrites, compresses or truncates bodies. Do not use the service until it is found.';

export const downloads: readonly Check[] = [
  {
    id: 'download-whole',
    promise: 'A clean file is downloaded unchanged, with its digest',
    look: GRANTS,
    run: whole,
  },
  {
    id: 'download-range',
    promise: 'Range requests get 206, and an unchanged file gets 304',
    look: 'A proxy that drops Range, If-None-Match or ETag.',
    run: ranges,
  },
  {
    id: 'download-large',
    promise: 'A file of more than 32 MiB is downloaded completely',
    look: 'docs/deploy.md: a proxy or load balancer may cut off large responses. Or redirect them: files.redirect_above_bytes.',
    run: async (run) => {
      const file = await cleanFile(run, 'large');
      const began = performance.now();
      const { answer, redirected } = await bytesOf(run, file);
      requireStatus(answer, 200);
      mustBeBytes(answer.body, file.bytes);
      const seconds = (performance.now() - began) / 1000;
      const speed = `${(file.bytes.length / MIB / seconds).toFixed(1)} MiB/s`;
      return { note: redirected ? `${speed}, from Cloud Storage` : speed };
    },
  },
  {
    id: 'download-resumed',
    promise: 'An interrupted download can be resumed',
    look: 'A proxy that drops Range or If-Range. A range of more than 32 MiB is subject to the same limit as a whole file.',
    run: resumed,
  },
];

async function whole(run: Run): Promise<undefined> {
  const file = await cleanFile(run, 'small');
  const { answer } = await bytesOf(run, file);
  requireStatus(answer, 200);
  mustBeBytes(answer.body, file.bytes);
  const head = await run.owner.expect([200], 'HEAD', pathOf(file));
  mustBe('Content-Length of HEAD', head.headers.get('content-length'), String(file.bytes.length));
  mustBe('Repr-Digest of HEAD', sha256In(head.headers.get('repr-digest')), file.sha256);
  mustBe('X-Content-Type-Options', head.headers.get('x-content-type-options'), 'nosniff');
  return undefined;
}

async function ranges(run: Run): Promise<undefined> {
  const file = await cleanFile(run, 'small');
  const { length } = file.bytes;
  for (const [range, start, end] of [
    ['bytes=100-199', 100, 200],
    ['bytes=-5', length - 5, length],
  ] as const) {
    const { answer } = await bytesOf(run, file, { range });
    requireStatus(answer, 206);
    mustBe('Content-Range', answer.headers.get('content-range'), `bytes ${start}-${end - 1}/${length}`);
    mustBeBytes(answer.body, file.bytes.subarray(start, end));
  }
  const head = await run.owner.expect([200], 'HEAD', pathOf(file));
  const etag = head.headers.get('etag');
  if (!etag) throw new NotHeld('ETag', 'none');
  await run.owner.expect([304], 'GET', pathOf(file), { headers: { 'if-none-match': etag } });
  return undefined;
}

/** Breaks off after a MiB, so that the rest is more than 32 MiB too. */
async function resumed(run: Run): Promise<undefined> {
  const file = await cleanFile(run, 'large');
  const { answer: first } = await bytesOf(run, file, {}, MIB);
  requireStatus(first, 200);
  const etag = first.headers.get('etag');
  const headers = { range: `bytes=${MIB}-`, ...(etag && { 'if-range': etag }) };
  const { answer: rest } = await bytesOf(run, file, headers);
  requireStatus(rest, 206);
  const { length } = file.bytes;
  mustBe('Content-Range', rest.headers.get('content-range'), `bytes ${MIB}-${length - 1}/${length}`);
  mustBeBytes(Buffer.concat([first.body, rest.body]), file.bytes);
  return undefined;
}

/** Reads from the function, or from where it sends: a signed URL is its own permission, and is sent no token. */
async function bytesOf(
  run: Run,
  file: Sent,
  headers: Readonly<Record<string, string>> = {},
  atMost?: number,
): Promise<{ answer: Answer; redirected: boolean }> {
  const request = { headers, ...(atMost !== undefined && { atMost }) };
  const answer = await run.owner.call('GET', pathOf(file), request);
  const location = answer.headers.get('location');
  if (answer.status !== 307 || !location) return { answer, redirected: false };
  // Cloud Storage has another ETag for the same bytes.
  const { 'if-range': _, ...plain } = request.headers;
  return { answer: await run.nobody.call('GET', location, { ...request, headers: plain }), redirected: true };
}

async function cleanFile(run: Run, subject: Subject): Promise<Sent> {
  const file = sentBefore(run, subject);
  const decided = await file.decided.catch(() => undefined);
  if (decided?.handle.state === 'clean') return file;
  throw new NotChecked('its file did not become clean, see above');
}

function mustBeBytes(actual: Uint8Array, expected: Uint8Array): void {
  if (actual.length !== expected.length)
    throw new NotHeld(`${expected.length} bytes`, `${actual.length} bytes`, CHANGED);
  const [digest, wanted] = [sha256Of(actual), sha256Of(expected)];
  if (digest !== wanted) throw new NotHeld(`bytes with SHA-256 ${wanted}`, `SHA-256 ${digest}`, CHANGED);
}

function pathOf({ id }: Sent): string {
  return `/files/${id}`;
}
