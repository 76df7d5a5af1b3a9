import { createHash } from 'node:crypto';
import { Bucket, type ListOptions } from '../../shared/storage/bucket.ts';
import { connectStorage } from '../../shared/storage/connect.ts';
import { parseObject, type StoredObject } from '../../shared/storage/object.ts';
import { ChecksumTally } from '../../shared/storage/tally.ts';

interface Kept {
  readonly object: StoredObject;
  readonly bytes: Buffer;
}

/** A bucket in memory, for so many objects that requests to an emulator would be most of a test; counts its calls. */
export class MemoryBucket extends Bucket {
  readonly calls: Record<string, number> = {};
  readonly #kept = new Map<string, Kept>();
  #names: readonly string[] | undefined;
  readonly #now: () => Date;
  #generation = 0;

  /** @param now the time of what is written */
  constructor(name: string, now = () => new Date()) {
    super(connectStorage('http://127.0.0.1:1'), name);
    this.#now = now;
  }

  get size(): number {
    return this.#kept.size;
  }

  put(
    name: string,
    metadata: Readonly<Record<string, string>>,
    bytes: Buffer = Buffer.alloc(0),
  ): StoredObject {
    const tally = new ChecksumTally();
    tally.update(bytes);
    const { size, crc32c } = tally.digests();
    const object = parseObject({
      ...{ bucket: this.name, name, generation: String(++this.#generation), metageneration: '1' },
      ...{ size: String(size), crc32c, timeCreated: this.#now().toISOString(), metadata },
    });
    this.#kept.set(name, { object, bytes });
    this.#names = undefined;
    return object;
  }

  /** Removes what is below one of these prefixes. */
  destroy(...prefixes: readonly string[]): void {
    for (const name of this.#kept.keys()) {
      if (prefixes.some((prefix) => name.startsWith(prefix))) this.#kept.delete(name);
    }
    this.#names = undefined;
  }

  override async stat(name: string): Promise<StoredObject | undefined> {
    this.#count('objects.get');
    return this.#kept.get(name)?.object;
  }

  override async list({ prefix, startOffset = '', endOffset, pageToken, maxResults }: ListOptions) {
    this.#count('objects.list');
    this.#names ??= [...this.#kept.keys()].sort();
    const from = [prefix, startOffset, pageToken ?? ''].sort().at(-1) ?? '';
    const objects: StoredObject[] = [];
    for (let at = lowerBound(this.#names, from); at < this.#names.length; at++) {
      const name = this.#names[at] ?? '';
      if (!name.startsWith(prefix) || (endOffset !== undefined && name >= endOffset)) break;
      if (objects.length === maxResults) return { objects, nextPageToken: name };
      const kept = this.#kept.get(name);
      if (kept) objects.push(kept.object);
    }
    return { objects, nextPageToken: undefined };
  }

  override async insertEmpty(name: string, { metadata = {} } = {}): Promise<StoredObject | undefined> {
    this.#count('objects.insert');
    return this.#kept.has(name) ? undefined : this.put(name, metadata);
  }

  override async patch(
    name: string,
    { metageneration }: StoredObject,
    changes: Readonly<Record<string, string | null>>,
  ): Promise<StoredObject | undefined> {
    this.#count('objects.patch');
    const there = this.#kept.get(name);
    if (there?.object.metageneration !== metageneration) return undefined;
    const merged = Object.entries({ ...there.object.metadata, ...changes });
    const metadata = Object.fromEntries(
      merged.flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
    );
    const object = { ...parseObject({ ...resource(there.object), metadata }) };
    this.#kept.set(name, { ...there, object });
    return object;
  }

  override async stage(...[name, source, { metadata = {} }]: Parameters<Bucket['stage']>) {
    const pieces: Uint8Array[] = [];
    for await (const piece of source) pieces.push(Buffer.from(piece));
    const bytes = Buffer.concat(pieces);
    const tally = new ChecksumTally();
    tally.update(bytes);
    return {
      ...tally.digests(),
      sha256: createHash('sha256').update(bytes).digest('hex'),
      commit: async () => {
        this.#count('objects.insert');
        return this.put(name, metadata, bytes);
      },
      discard: async () => undefined,
    };
  }

  override async read(...[name]: Parameters<Bucket['read']>) {
    this.#count('objects.get');
    const there = this.#kept.get(name);
    return there && pieces(there.bytes);
  }

  #count(operation: string): void {
    this.calls[operation] = (this.calls[operation] ?? 0) + 1;
  }
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

function resource(object: StoredObject): object {
  const { bucket, name, generation, metageneration, size, crc32c, timeCreated } = object;
  const next = String(BigInt(metageneration) + 1n);
  return {
    bucket,
    name,
    generation,
    metageneration: next,
    size: String(size),
    crc32c,
    timeCreated: timeCreated.toISOString(),
  };
}

function lowerBound(names: readonly string[], from: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((names[middle] ?? '') >= from) high = middle;
    else low = middle + 1;
  }
  return low;
}
