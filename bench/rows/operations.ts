import { randomBytes, randomUUID } from 'node:crypto';
import type { OperationReport } from '../../infra/emulators/storage/src/operation-counts.ts';
import type { Bench, Row } from '../bench.ts';
import type { Finding } from '../finding.ts';
import { send } from '../http.ts';
import type { Stage } from '../stage/stage.ts';
import { until } from '../until.ts';

export const operations: Row = { name: 'operations', title: 'Cloud Storage operations a file', measure };

/** Uploads bytes in one way. @returns the id of the file */
type Way = (stage: Stage, bytes: Buffer) => Promise<string>;

const COUNTED = 'counted at the emulator';
const SMALL = 50_000;
/** Headers, metadata and multipart boundaries come on top of the bytes of a file. */
const TOLERANCE = 1.01;

async function measure({ scale, live }: Bench): Promise<readonly Finding[]> {
  const stage = await live();
  const large = scale.operations.bytes;
  const count = (way: Way, bytes: Buffer): Promise<Counted> => counted(stage, way, bytes);
  const known = randomBytes(SMALL);
  const posted = await count(post, known);
  const duplicate = await count(post, known);
  const knownLarge = randomBytes(large);
  const largePost = await count(post, knownLarge);
  const largeDuplicate = await count(post, knownLarge);
  const keyed: Way = (on, bytes) => post(on, bytes, { 'idempotency-key': `"${randomUUID()}"` });
  return [
    ...promised('POST /files', posted),
    ...promised(`POST /files of ${large} bytes`, largePost),
    traffic(`POST /files of ${large} bytes`, largePost),
    unread(`POST /files of ${large} bytes that are known`, largeDuplicate),
    // Bytes of a small file are read before it is known whether they are needed: docs/adr/0030.
    other(`POST /files of ${SMALL} bytes that are known`, duplicate),
    other('POST /files with Idempotency-Key', await count(keyed, randomBytes(SMALL))),
    other('tus in one request', await count(tusIn(1), randomBytes(SMALL))),
    other('tus in three requests', await count(tusIn(3), randomBytes(SMALL))),
    other('POST /uploads/direct', await count(direct, randomBytes(SMALL))),
  ];
}

interface Counted {
  readonly report: OperationReport;
  readonly bytes: number;
}

async function counted(stage: Stage, way: Way, bytes: Buffer): Promise<Counted> {
  // Remaining work of an earlier file must not count here.
  await until(
    async () => (await stage.bucket('unscanned').list({ prefix: '', maxResults: 1 })).objects.length === 0,
  );
  await stage.resetOperations();
  const id = await way(stage, bytes);
  await stage.front?.delivered(id);
  return { report: await stage.operations(), bytes: bytes.length };
}

/**
 * Numbers of operations of class A and of class B. Cloud Storage's own notification is of class B too, and not ours.
 */
function classesOf({ report }: Counted): { readonly a: number; readonly b: number; readonly text: string } {
  const notifications = report.operations.notify?.calls ?? 0;
  const [a, b] = [report.classes.A, report.classes.B - notifications];
  const text = `${a} of class A, ${b} of class B, and ${notifications} of class B to notify: ${calls(report)}`;
  return { a, b, text };
}

function promised(what: string, counted: Counted): readonly Finding[] {
  const { a, b, text } = classesOf(counted);
  const common = { against: COUNTED, unit: '', detail: text };
  return [
    { ...common, what: `${what}: operations of class A`, target: { atMost: 4 }, value: a },
    { ...common, what: `${what}: operations of class B`, target: { atMost: 3 }, value: b },
  ];
}

function unread(what: string, counted: Counted): Finding {
  const value = readBytes(counted.report);
  const detail = classesOf(counted).text;
  return { what: `${what}: bytes read`, against: COUNTED, target: { atMost: 0 }, value, unit: '', detail };
}

function other(what: string, counted: Counted): Finding {
  const { a, text } = classesOf(counted);
  return { what: `${what}: operations of class A`, against: COUNTED, value: a, unit: '', detail: text };
}

function traffic(what: string, { report, bytes }: Counted): Finding {
  const written = writtenBytes(report) / bytes;
  const read = readBytes(report) / bytes;
  return {
    what: `${what}: bytes written or read, a byte uploaded`,
    against: COUNTED,
    target: { atMost: TOLERANCE },
    value: Math.max(written, read),
    unit: '×',
    detail: `${written.toFixed(4)} written, ${read.toFixed(4)} read`,
  };
}

function writtenBytes({ operations }: OperationReport): number {
  return (operations['objects.insert']?.bytesIn ?? 0) + (operations['resumable.chunk']?.bytesIn ?? 0);
}

function readBytes({ operations }: OperationReport): number {
  return operations['objects.getMedia']?.bytesOut ?? 0;
}

function calls({ operations }: OperationReport): string {
  return Object.entries(operations)
    .map(([name, { calls }]) => `${calls} ${name}`)
    .join(', ');
}

async function post(
  stage: Stage,
  body: Buffer,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const headers = { ...stage.authorization, ...more };
  const answer = await send(`${stage.url('upload')}/files`, { method: 'POST', headers, body });
  return idOf(answer.body);
}

function tusIn(requests: number): Way {
  return async (stage, bytes) => {
    const base = { ...stage.authorization, 'tus-resumable': '1.0.0' };
    const url = stage.url('upload');
    const announced = { ...base, 'upload-length': String(bytes.length) };
    const created = await send(`${url}/uploads`, { method: 'POST', headers: announced });
    const each = Math.ceil(bytes.length / requests);
    for (let offset = 0; offset < bytes.length; offset += each) {
      const type = 'application/offset+octet-stream';
      await send(`${url}${created.headers.location}`, {
        method: 'PATCH',
        headers: { ...base, 'upload-offset': String(offset), 'content-type': type },
        body: bytes.subarray(offset, offset + each),
      });
    }
    return idOf(created.body);
  };
}

async function direct(stage: Stage, bytes: Buffer): Promise<string> {
  const answer = await send(`${stage.url('upload')}/uploads/direct`, {
    method: 'POST',
    headers: { ...stage.authorization, 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ size: bytes.length })),
  });
  const { uploadUrl, handle } = JSON.parse(answer.body.toString()) as {
    uploadUrl: string;
    handle: { id: string };
  };
  await send(uploadUrl, { method: 'PUT', body: bytes });
  return handle.id;
}

function idOf(body: Buffer): string {
  return (JSON.parse(body.toString()) as { id: string }).id;
}
