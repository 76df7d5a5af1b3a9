import { randomUUID } from 'node:crypto';
import type { Handle } from '../../handle.ts';
import { digestField } from '../../sha256.ts';
import { type Answer, jsonOf, requireProblem, requireStatus } from './answer.ts';
import type { Caller } from './caller.ts';
import type { Check, Run, Subject } from './check.ts';
import { mustBe, NotHeld } from './not-held.ts';
import { EICAR, encryptedZip, freshBytes, textBytes } from './samples.ts';
import { follow, requireLinks, requireLocation, sha256Of } from './sent.ts';

const MIB = 1024 * 1024;
const LARGE = 40 * MIB;
const PIECE = 16 * MIB;
/** Two requests to Cloud Storage, whose pieces are multiples of 256 KiB but for the last. */
const DIRECT = 9 * MIB + 1;

const TUS = { 'tus-resumable': '1.0.0' };
const POST_GRANTS =
  'The upload function’s account: storage.objects.create on the unscanned bucket, and create and get on files/ of the permanent bucket.';

export const uploads: readonly Check[] = [
  {
    id: 'upload-post',
    promise: 'A small file is uploaded in one request',
    look: POST_GRANTS,
    run: async (run) => void (await postSubject(run, 'small', freshBytes(100_000))),
  },
  {
    id: 'upload-post-key',
    promise: 'A retry with the same Idempotency-Key gets the same file, and different bytes get 422',
    look: 'The upload function’s account: storage.objects.list on the permanent bucket (without it, Cloud Storage answers 403 instead of 404 for an unused key); create and get on idempotency/ there.',
    run: idempotency,
  },
  {
    id: 'upload-digest',
    promise: 'Bytes that do not match the declared digest are refused',
    look: 'A proxy that rewrites bodies or drops Repr-Digest.',
    run: async (run) => {
      const headers = { ...named(run, 'digest.bin'), 'repr-digest': digestField(new Uint8Array(32)) };
      requireProblem(await run.owner.call('POST', '/files', { headers, body: 'a' }), 400, 'digest-mismatch');
      return undefined;
    },
  },
  {
    id: 'upload-tus',
    promise: '40 MiB are uploaded by tus in chunks, and the upload reports its offset',
    look: 'The upload function’s account: storage.objects.list on both buckets, create and get on parts/ and create on the object of the unscanned bucket. The chunks are 16 MiB: a proxy or load balancer must allow them.',
    run: tus,
  },
  {
    id: 'upload-direct',
    promise: 'A direct session accepts the bytes at Cloud Storage, in two chunks',
    look: 'The upload function’s account: storage.objects.create on the unscanned bucket. On this machine: a proxy that does not allow Cloud Storage.',
    run: direct,
  },
  {
    id: 'upload-eicar',
    promise: 'The EICAR test file and an encrypted archive are accepted like any other file',
    look: `${POST_GRANTS} A proxy with a virus scanner may refuse them.`,
    run: async (run) => {
      await postSubject(run, 'eicar', EICAR);
      await postSubject(run, 'encrypted', encryptedZip());
      return undefined;
    },
  },
  {
    id: 'upload-too-large',
    promise: 'A file above the size limit is refused before it is sent',
    look: 'MAX_UPLOAD_BYTES of the upload function.',
    run: async ({ nobody, owner }) => {
      const offer = await nobody.expect([200, 204], 'OPTIONS', '/uploads');
      const most = Number(offer.headers.get('tus-max-size') ?? Number.NaN);
      if (!Number.isSafeInteger(most)) throw new NotHeld('Tus-Max-Size', 'none');
      const headers = { ...TUS, 'upload-length': String(most + 1) };
      requireProblem(await owner.call('POST', '/uploads', { headers }), 413, 'too-large');
      return { note: `at most ${most} bytes` };
    },
  },
];

async function postSubject(run: Run, subject: Subject, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const headers = {
    ...named(run, `${subject}.bin`),
    'repr-digest': digestField(Buffer.from(sha256Of(bytes), 'hex')),
  };
  const answer = await run.owner.call('POST', '/files', { headers, body: bytes });
  const id = idOf(run, answer);
  run.sent.set(subject, follow(run, id, bytes));
  requireLocation(run, answer, id);
  // 410 is about a file that was decided before the answer left: its body is the problem, not the handle.
  if (answer.status === 410) return;
  const handle = jsonOf<Handle>(answer);
  requireLinks(run, answer, handle);
  mustBe('size', handle.size, bytes.length);
  mustBe('sha256', handle.sha256, sha256Of(bytes));
}

/** @throws {NotHeld} where no file was made */
function idOf(run: Run, answer: Answer): string {
  const location = answer.headers.get('location') ?? '';
  const made = answer.status === 410 && location !== '';
  if (!made) requireStatus(answer, 201, 202);
  const [, id] = /\/files\/([0-9a-v]{43})$/.exec(location) ?? [];
  if (id !== undefined) return id;
  throw new NotHeld(`Location: ${run.hosts.files}/files/{id}`, location || 'none');
}

async function idempotency(run: Run) {
  const headers = { ...named(run, 'key.txt'), 'idempotency-key': randomUUID() };
  const body = textBytes(`with a key ${randomUUID()}`);
  const first = idOf(run, await run.owner.call('POST', '/files', { headers, body }));
  const again = await run.owner.call('POST', '/files', { headers, body });
  mustBe('for the repeat, id', idOf(run, again), first);
  mustBe('Idempotency-Replayed', again.headers.get('idempotency-replayed'), 'true');
  const other = await run.owner.call('POST', '/files', { headers, body: textBytes('other bytes') });
  requireProblem(other, 422, 'idempotency-key-reused');
  return undefined;
}

async function tus(run: Run) {
  const { owner } = run;
  const bytes = freshBytes(LARGE);
  const name = Buffer.from(`${run.prefix}large.bin`).toString('base64');
  const headers = { ...TUS, 'upload-length': String(LARGE), 'upload-metadata': `filename ${name}` };
  const created = await owner.expect([201], 'POST', '/uploads', { headers });
  const handle = jsonOf<Handle>(created);
  const path = `/uploads/${handle.id}`;
  requireLinks(run, created, handle);
  mustBe(
    'Location',
    new URL(created.headers.get('location') ?? '/', created.url).href,
    run.hosts.upload + path,
  );
  for (let at = 0; at < LARGE; at += PIECE) {
    await owner.expect([204], 'PATCH', path, {
      headers: { ...TUS, 'upload-offset': String(at), 'content-type': 'application/offset+octet-stream' },
      body: bytes.subarray(at, at + PIECE),
    });
    await mustStandAt(owner, path, Math.min(LARGE, at + PIECE));
  }
  run.sent.set('large', follow(run, handle.id, bytes));
  return undefined;
}

async function mustStandAt(owner: Caller, path: string, offset: number): Promise<void> {
  const answer = await owner.expect([200], 'HEAD', path, { headers: TUS });
  mustBe('Upload-Offset', answer.headers.get('upload-offset'), String(offset));
}

async function direct(run: Run) {
  const { owner, nobody } = run;
  const bytes = freshBytes(DIRECT);
  const order = {
    size: DIRECT,
    fileName: `${run.prefix}direct.bin`,
    contentType: 'application/octet-stream',
  };
  const headers = { 'content-type': 'application/json' };
  const opened = await owner.expect([201], 'POST', '/uploads/direct', {
    headers,
    body: JSON.stringify(order),
  });
  const { uploadUrl, handle } = jsonOf<{ uploadUrl: string; handle: Handle }>(opened);
  requireLocation(run, opened, handle.id);
  requireLinks(run, opened, handle);
  const middle = 8 * MIB;
  const put = async (statuses: readonly number[], range: string, body?: Uint8Array<ArrayBuffer>) =>
    nobody.expect(statuses, 'PUT', uploadUrl, { headers: { 'content-range': range }, ...(body && { body }) });
  await put([308], `bytes 0-${middle - 1}/${DIRECT}`, bytes.subarray(0, middle));
  const standing = await put([308], `bytes */${DIRECT}`);
  mustBe('Range of the session', standing.headers.get('range'), `bytes=0-${middle - 1}`);
  await put([200, 201], `bytes ${middle}-${DIRECT - 1}/${DIRECT}`, bytes.subarray(middle));
  run.sent.set('direct', follow(run, handle.id, bytes));
  return undefined;
}

function named({ prefix }: Run, name: string): Record<string, string> {
  return {
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="${prefix}${name}"`,
  };
}
