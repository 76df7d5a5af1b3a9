import { Readable } from 'node:stream';
import * as v from 'valibot';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { allObjects } from '../../../shared/storage/page.ts';
import { parseJson } from '../parse-json.ts';
import type { Range } from '../ranges.ts';
import { ArchiveDamaged, type StoredPart } from './part.ts';

const BEGUN = 'begun/';
const MANIFESTS = 'manifests/';
/** Bytes: a manifest has a line of a few hundred for each range. */
const MOST_MANIFEST_BYTES = 1024 * 1024;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const exportedRange = v.object({
  from: v.string(),
  to: v.optional(v.string()),
  /** Absent where nothing has changed in the range. */
  part: v.optional(v.object({ name: v.string(), size: count, sha256: v.string() })),
  /** Objects that there were, in all. */
  objects: count,
  /** Objects that are new or have changed, and those that are gone. */
  written: count,
  gone: count,
});
const manifest = v.object({
  version: v.literal(1),
  id: v.string(),
  base: v.optional(v.string()),
  ended: v.string(),
  ranges: v.array(exportedRange),
});

/** One range of names in an export. */
export type ExportedRange = v.InferOutput<typeof exportedRange>;

/**
 * An export that is whole. Its id is the time at which it began, RFC 3339. It has what changed since its base; one without a
 * base has everything.
 */
export type Manifest = v.InferOutput<typeof manifest>;

/** An export with those that it builds on, oldest first: the first has everything. */
export type Chain = readonly [Manifest, ...Manifest[]];

/** An export that is not whole yet. */
export interface Unfinished {
  readonly id: string;
  readonly base: Chain | undefined;
  /** The ranges that are written, by their numbers. */
  readonly done: ReadonlyMap<number, ExportedRange>;
}

/**
 * Exports in their bucket. Nothing in it is ever replaced: `begun/ID`, then parts `parts/ID/…` and for each that is whole
 * `done/ID/NUMBER`, and `manifests/ID` last. An export without a manifest does not exist. docs/adr/0044-recovery.md
 */
export class Archive {
  readonly bucket: Bucket;

  constructor(bucket: Bucket) {
    this.bucket = bucket;
  }

  /** Ids of all exports that were begun, newest first. @throws {StorageError} */
  async begun(): Promise<readonly { readonly id: string; readonly base: string | undefined }[]> {
    const all: { id: string; base: string | undefined }[] = [];
    for await (const { name, metadata } of allObjects(this.bucket, { prefix: BEGUN })) {
      all.push({ id: name.slice(BEGUN.length), base: metadata['base'] });
    }
    return all.reverse();
  }

  /**
   * The newest export that ended by a time and can be read as a whole.
   * @param at absent for the newest of all
   * @throws {StorageError}
   */
  async latest(at?: Date): Promise<Chain | undefined> {
    for (const { id } of await this.begun()) {
      if (at && new Date(id) > at) continue;
      const chain = await this.chain(id);
      if (chain && (!at || new Date(endOf(chain)) <= at)) return chain;
    }
    return undefined;
  }

  /** The chain of an export; undefined where one of it is not whole, or is gone. @throws {StorageError}, {ArchiveDamaged} */
  async chain(id: string): Promise<Chain | undefined> {
    const newest = await this.#manifest(id);
    if (!newest) return undefined;
    const chain: [Manifest, ...Manifest[]] = [newest];
    for (let base = newest.base; base !== undefined; base = chain[0].base) {
      const before = await this.#manifest(base);
      if (!before) return undefined;
      chain.unshift(before);
    }
    return chain;
  }

  /** Begins an export. @returns false where one of that id was begun. @throws {StorageError} */
  async begin(id: string, base: string | undefined): Promise<boolean> {
    const metadata = base === undefined ? {} : { base };
    return (await this.bucket.insertEmpty(BEGUN + id, { metadata })) !== undefined;
  }

  /** The ranges of an export that are written. @throws {StorageError}, {ArchiveDamaged} */
  async progress(id: string): Promise<ReadonlyMap<number, ExportedRange>> {
    const done = new Map<number, ExportedRange>();
    const prefix = doneOf(id);
    for await (const { name, metadata } of allObjects(this.bucket, { prefix })) {
      done.set(
        Number(name.slice(prefix.length)),
        parseJson(exportedRange, metadata['range'] ?? '', notParsed(name)),
      );
    }
    return done;
  }

  /**
   * Notes that a range is written.
   * @returns what another attempt has noted before, if one has: its part counts
   * @throws {StorageError}
   */
  async note(id: string, at: number, range: ExportedRange): Promise<ExportedRange> {
    const name = doneOf(id) + String(at).padStart(4, '0');
    if (await this.bucket.insertEmpty(name, { metadata: { range: JSON.stringify(range) } })) return range;
    const there = await this.bucket.stat(name);
    return parseJson(exportedRange, there?.metadata['range'] ?? '', notParsed(name));
  }

  /** Makes an export exist. One that exists is fine. @throws {StorageError} */
  async complete(made: Manifest): Promise<void> {
    const name = MANIFESTS + made.id;
    if (await this.bucket.stat(name)) return;
    const bytes = Readable.from(Buffer.from(`${JSON.stringify(made, undefined, 2)}\n`));
    await (await this.bucket.stage(name, bytes, { contentType: 'application/json' })).commit();
  }

  async #manifest(id: string): Promise<Manifest | undefined> {
    const name = MANIFESTS + id;
    const object = await this.bucket.stat(name);
    if (!object) return undefined;
    if (object.size > MOST_MANIFEST_BYTES) throw new ArchiveDamaged(`${name} is too large`);
    const range = { start: 0, end: object.size - 1 };
    const pieces: Buffer[] = [];
    const bytes = await this.bucket.read(name, { generation: object.generation, range });
    for await (const piece of bytes ?? []) pieces.push(Buffer.from(piece));
    return parseJson(manifest, Buffer.concat(pieces).toString(), notParsed(name));
  }
}

/** When an export was whole, RFC 3339. */
export function endOf(chain: Chain): string {
  return (chain.at(-1) ?? chain[0]).ended;
}

/** The parts of one range, oldest first. Exports of a chain have the same ranges. */
export function partsOf(chain: Chain, at: number): readonly StoredPart[] {
  return chain.flatMap(({ ranges }) => ranges[at]?.part ?? []);
}

/** The ranges that have names from one on, up to another, by their numbers. */
export function overlapping(
  [{ ranges }]: Chain,
  { from, to }: Range,
): readonly (Range & { readonly at: number })[] {
  return ranges
    .map((range, at) => ({ from: range.from, to: range.to, at }))
    .filter((range) => (range.to === undefined || range.to > from) && (to === undefined || range.from < to));
}

function doneOf(id: string): string {
  return `done/${id}/`;
}

function notParsed(name: string) {
  return (cause: unknown) => new ArchiveDamaged(`${name} does not parse`, { cause });
}
