import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { audit } from '../../functions/sweeper/auditor/audit.ts';
import { estimateHunt, hunt } from '../../functions/sweeper/hunt/hunt.ts';
import { readIndicators } from '../../functions/sweeper/hunt/indicators.ts';
import { Findings } from '../../shared/files/findings.ts';
import { Bucket } from '../../shared/storage/bucket.ts';
import { connectStorage } from '../../shared/storage/connect.ts';
import { DAY, OWNER } from '../functions/sweeper/fixture.ts';
import { heapMeter } from '../support/heap.ts';

const FILES = 100_000;
const PORTION = 25_000;
const PAGE = 1_000;
const MIB = 2 ** 20;
/** Bytes of the metadata of an object, about as many as files have. */
const FILLING = 500;

const LONG_AGO = '2026-01-01T00:00:00.000Z';
const CRC32C = 'AAAAAA==';

/** A system of so many clean files, one reference in ten; made up, since to insert them would be most of the test. */
interface Entry {
  readonly name: string;
  readonly metadata: Record<string, string>;
}

const digestOf = (n: number) => createHash('sha256').update(String(n)).digest('hex');
/** Ids in the order of their numbers, in all ranges. */
const idOf = (n: number) =>
  Math.floor((n * 32 ** 6) / FILES)
    .toString(32)
    .padStart(6, '0') + String(n).padStart(37, '0');

const isReferenced = (n: number) => n % 10 === 0;
const filling = 'x'.repeat(FILLING);

describe('a system of 100 000 files', () => {
  let server: Server;
  let most = 0;
  let pages = 0;
  const heap = heapMeter();
  const digests = Array.from({ length: FILES }, (_, n) => digestOf(n));
  const order = [...digests.keys()].sort((a, b) => ((digests[a] ?? '') < (digests[b] ?? '') ? -1 : 1));

  const listings: Readonly<Record<string, { readonly count: number; readonly at: (n: number) => Entry }>> = {
    'files/': { count: FILES, at: file },
    'verdicts/': { count: FILES, at: (n) => verdict(n, digests[n] ?? '') },
    'references/': { count: FILES / 10, at: (n) => reference(n * 10) },
    'blobs/sha256/': { count: FILES, at: (n) => blob(digests[order[n] ?? 0] ?? '') },
  };

  before(async () => {
    server = createServer((request, response) => {
      request.resume();
      const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://storage');
      response.statusCode = pathname.endsWith('/o') ? 200 : 404;
      response.end(JSON.stringify(pathname.endsWith('/o') ? listed(query) : { error: { errors: [{}] } }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  function listed(query: URLSearchParams): object {
    pages++;
    if (pages % 100 === 0) most = Math.max(most, heap());
    const listing = listings[query.get('prefix') ?? ''];
    if (!listing) return {};
    const [from, to] = [query.get('startOffset'), query.get('endOffset')];
    const position = (name: string) => lowerBound(listing.count, (n) => listing.at(n).name >= name);
    const end = to ? position(to) : listing.count;
    const start = Number(query.get('pageToken') ?? (from ? position(from) : 0));
    const next = Math.min(end, start + PAGE);
    const items = Array.from({ length: Math.max(0, next - start) }, (_, n) =>
      resource(listing.at(start + n)),
    );
    return { items, ...(next < end && { nextPageToken: String(next) }) };
  }

  it('is audited, and nothing is wrong with it, with a portion and a page of each listing in memory', async () => {
    const { port } = server.address() as AddressInfo;
    const bucket = (name: string) => new Bucket(connectStorage(`http://127.0.0.1:${port}`), name);
    const permanent = bucket('permanent');
    const before = heap();
    [most, pages] = [0, 0];
    const report = await audit(
      {
        permanent,
        unscanned: bucket('unscanned'),
        findings: new Findings(permanent),
        scope: 'global',
        portion: PORTION,
        graceMs: DAY,
        abandonedAfterMs: DAY,
        tombstoneMs: DAY,
        blobGraceMs: DAY,
        now: () => new Date(),
        log: pino({ level: 'silent' }),
      },
      { budgetMs: 600_000, stopping: () => false },
    );
    assert.deepEqual(report.broken, {});
    assert.deepEqual([report.files, report.blobs, report.complete], [FILES, FILES, true]);
    // Records and verdicts once for all, once for the viewers and once for each portion, references and contents once, and the ends of ranges.
    const least = (FILES / PAGE) * (2 * (2 + FILES / PORTION) + 1.1);
    assert.ok(pages >= least && pages < least + 100, `${pages} listings, at least ${least}`);
    const grown = (most - before) / MIB;
    const all = (FILES * 2 * FILLING) / MIB;
    assert.ok(
      grown < all / 2,
      `${grown.toFixed(1)} MiB more than before; metadata alone is ${all.toFixed(0)} MiB`,
    );
  }).timeout(600_000);

  it('is hunted through for 100 000 digests, by listings alone', async () => {
    const { port } = server.address() as AddressInfo;
    const permanent = new Bucket(connectStorage(`http://127.0.0.1:${port}`), 'permanent');
    const wanted = 1_000;
    async function* list() {
      for (let n = 0; n < FILES; n += PAGE) {
        const lines = Array.from({ length: PAGE }, (_, m) => digestOf(n + m + FILES - wanted));
        yield Buffer.from(lines.map((digest) => `${digest}\n`).join(''));
      }
    }
    const indicators = await readIndicators(list(), FILES);
    assert.equal(indicators.sha256.size, FILES);
    pages = 0;
    const estimate = await estimateHunt(permanent);
    assert.ok(Math.abs(estimate.blobs - FILES) < FILES / 5, `estimated ${estimate.blobs}`);
    assert.equal(pages, 1);
    const found = new Set<string>();
    const report = await hunt(permanent, indicators, {
      budgetMs: 600_000,
      stopping: () => false,
      found: async ({ sha256 }) => void found.add(sha256),
    });
    assert.deepEqual([report.hits, report.blobs, found.size], [wanted, FILES, wanted]);
    assert.equal(report.listings, pages - 1);
    assert.ok(report.listings <= FILES / PAGE + 16 * 2, `${report.listings} listings`);
    console.log(
      `      100 000 digests, 100 000 contents: ${report.listings} listings, ${report.seconds} s, $${report.dollars}`,
    );
  }).timeout(600_000);
});

/** The first of `count` numbers for which `holds`, which it then does for all after it. */
function lowerBound(count: number, holds: (n: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function file(n: number): Entry {
  const stored = { owner: OWNER, createdAt: LONG_AGO, contentType: 'text/plain', state: 'pending', filling };
  return {
    name: `files/${idOf(n)}`,
    metadata: { ...stored, ...(isReferenced(n) && { referenced: 'true' }) },
  };
}

function verdict(n: number, sha256: string): Entry {
  const scan = { state: 'clean', scannedAt: LONG_AGO, generation: '1', engine: '1.4.3' };
  return { name: `verdicts/${idOf(n)}`, metadata: { ...scan, size: '1', sha256, crc32c: CRC32C, filling } };
}

function reference(n: number): Entry {
  return { name: `references/${idOf(n)}/${digestOf(n)}`, metadata: { uri: 'urn:x:1' } };
}

function blob(sha256: string): Entry {
  return { name: `blobs/sha256/${sha256}`, metadata: { scannedAt: LONG_AGO, engine: '1.4.3' } };
}

function resource({ name, metadata }: Entry): object {
  const size = name.startsWith('blobs/') ? '1' : '0';
  const version = { generation: '1', metageneration: '1' };
  return { bucket: 'permanent', name, ...version, size, crc32c: CRC32C, timeCreated: LONG_AGO, metadata };
}
