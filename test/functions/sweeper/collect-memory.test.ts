import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { collect } from '../../../functions/sweeper/collect.ts';
import type { CollectorDeps } from '../../../functions/sweeper/collector.ts';
import { Candidates } from '../../../shared/files/candidates.ts';
import { Findings } from '../../../shared/files/findings.ts';
import { Records } from '../../../shared/files/records.ts';
import { References } from '../../../shared/files/references.ts';
import { SharedFiles } from '../../../shared/files/shared-files.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { heapMeter } from '../../support/heap.ts';
import { DAY, OWNER } from './fixture.ts';

const RECORDS = 20_000;
/** Number of references of one file in ten. */
const REFERENCES = 10;
const CANDIDATES = 5_000;
const CLAIMS = 200;
const PAGE = 1000;
const FILLING = 2000;
const MIB = 2 ** 20;

describe('a collection through many records', () => {
  let server: Server;
  let most = 0;
  let calls: Record<string, number> = {};
  const heap = heapMeter();

  // Cloud Storage as far as a collection needs it, of objects that are made up: to insert so many would be most of the test.
  before(async () => {
    server = createServer((request, response) => {
      request.resume();
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://storage');
      const [, name] = /\/o\/(.+)$/.exec(pathname) ?? [];
      const prefix = searchParams.get('prefix') ?? '';
      const call = name === undefined ? `list ${prefix}` : `${request.method} ${name.split('%2F')[0]}`;
      calls[call] = (calls[call] ?? 0) + 1;
      if (prefix === 'files/') most = Math.max(most, heap());
      const answer = name === undefined ? listing(prefix, searchParams) : single(decodeURIComponent(name));
      response.statusCode = answer ? 200 : 404;
      response.end(JSON.stringify(answer ?? { error: { errors: [{ reason: 'notFound' }] } }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  it('holds no more than a page of them and what it has claimed, at a listing for each thousand', async () => {
    const { port } = server.address() as AddressInfo;
    const permanent = new Bucket(connectStorage(`http://127.0.0.1:${port}`), 'permanent');
    const unused = () => Promise.reject(new Error('nothing is to be published'));
    const collector: CollectorDeps = {
      unscanned: permanent,
      permanent,
      records: new Records(permanent),
      references: new References(permanent),
      candidates: new Candidates(permanent),
      findings: new Findings(permanent),
      shared: new SharedFiles(permanent),
      publish: unused,
      redeliver: unused,
      stuckAfterMs: DAY,
      abandonedAfterMs: DAY,
      maxRedrives: 1,
      redrivesPerSweep: 1,
      unreferencedAfterMs: undefined,
      blobGraceMs: DAY,
      tombstoneMs: DAY,
      candidatesPerCycle: CLAIMS,
      now: () => new Date(),
      log: pino({ level: 'silent' }),
    };
    const before = heap();
    calls = {};
    const report = await collect(collector, { budgetMs: 60_000, stopping: () => false });
    assert.deepEqual(report.records, { unchanged: RECORDS });
    assert.ok((report.candidates.claimed ?? 0) < CLAIMS + 16);
    assert.equal(report.blobs.deleted, report.candidates.claimed);
    assert.equal(calls['list files/'], RECORDS / PAGE);
    // A tenth of the files of a page has ten references each: one page for a page.
    assert.ok((calls['list references/'] ?? 0) <= (RECORDS / PAGE) * 2, `${calls['list references/']}`);
    const grown = (most - before) / MIB;
    const all = (RECORDS * FILLING) / MIB;
    assert.ok(grown < all / 3, `${grown.toFixed(1)} MiB more than before; all are ${all.toFixed(0)} MiB`);
  });
});

function listing(prefix: string, query: URLSearchParams): object {
  const start = Number(query.get('pageToken') ?? 0);
  const names = namesOf(prefix, query);
  const items = names.slice(start, start + PAGE).map(resource);
  const next = start + items.length;
  return { items, ...(next < names.length && { nextPageToken: String(next) }) };
}

function namesOf(prefix: string, query: URLSearchParams): string[] {
  if (prefix === 'files/' || prefix === 'verdicts/') {
    const from = Math.max(0, numberOf(query.get('startOffset') ?? '') || 0);
    return Array.from({ length: RECORDS - from }, (_, n) => `${prefix}${idOf(n + from)}`);
  }
  if (prefix === 'collect/') {
    return Array.from({ length: CANDIDATES }, (_, n) => `collect/sha256/${digestOf(n + RECORDS)}`);
  }
  if (prefix !== 'references/') return [];
  const [first, last] = ['startOffset', 'endOffset'].map((name) => numberOf(query.get(name) ?? ''));
  const files = Array.from({ length: (last ?? 0) - (first ?? 0) + 1 }, (_, n) => (first ?? 0) + n);
  return files
    .filter(isReferenced)
    .flatMap((n) => Array.from({ length: REFERENCES }, (_, at) => `references/${idOf(n)}/${at}`));
}

function single(name: string): object | undefined {
  return name.startsWith('sweeper/') ? undefined : resource(name);
}

const isReferenced = (n: number) => n % 10 === 0;
const idOf = (n: number) => String(n).padStart(43, '0');
const digestOf = (n: number) => n.toString(16).padStart(64, '0');
const numberOf = (name: string) => Number(/\/(\d{43})/.exec(name)?.[1]);

function resource(name: string): object {
  const metadata = name.startsWith('files/')
    ? record(numberOf(name))
    : name.startsWith('verdicts/')
      ? verdict(numberOf(name))
      : {};
  return {
    bucket: 'permanent',
    name,
    generation: '1',
    metageneration: '1',
    size: '0',
    crc32c: 'AAAAAA==',
    timeCreated: '2026-01-01T00:00:00Z',
    metadata,
  };
}

function verdict(n: number): Record<string, string> {
  return {
    state: 'clean',
    scannedAt: '2026-01-01T00:00:00Z',
    generation: '1',
    size: '1',
    sha256: digestOf(n),
    crc32c: 'AAAAAA==',
    filling: 'x'.repeat(FILLING),
  };
}

function record(n: number): Record<string, string> {
  return {
    state: 'pending',
    owner: OWNER,
    createdAt: '2026-01-01T00:00:00Z',
    contentType: 'text/plain',
    ...(isReferenced(n) && { referenced: 'true' }),
    filling: 'x'.repeat(FILLING),
  };
}
