import type { Bucket } from '../../../shared/storage/bucket.ts';
import type { Range } from '../ranges.ts';
import { type Chain, overlapping, partsOf } from './archive.ts';
import { type ArchivedObject, type ArchiveLine, compareNames } from './archived.ts';
import { readPart } from './part.ts';

/**
 * The objects of one range as an export has them, in the order of names: of several lines of a name, the newest decides. A block of
 * each part is in memory.
 * @throws {ArchiveDamaged}, {StorageError}
 */
export async function* stateOfRange(
  bucket: Bucket,
  chain: Chain,
  at: number,
): AsyncGenerator<ArchivedObject, void, undefined> {
  const parts = partsOf(chain, at).map((part) => readPart(bucket, part));
  try {
    const heads = await Promise.all(parts.map((lines) => lines.next()));
    for (;;) {
      let newest: ArchiveLine | undefined;
      for (const { value } of heads) {
        if (value && (!newest || compareNames(value.name, newest.name) <= 0)) newest = value;
      }
      if (!newest) return;
      const { name } = newest;
      await Promise.all(
        heads.map(async ({ value }, index) => {
          const next = value?.name === name ? await parts[index]?.next() : undefined;
          if (next) heads[index] = next;
        }),
      );
      if (!('gone' in newest)) yield newest;
    }
  } finally {
    await Promise.all(parts.map((lines) => lines.return()));
  }
}

/** The objects below a prefix as an export has them, in the order of names. @see stateOfRange */
export async function* stateOf(
  bucket: Bucket,
  chain: Chain,
  prefix: string,
  { from, to }: Range = { from: '', to: undefined },
): AsyncGenerator<ArchivedObject, void, undefined> {
  const names = { from: prefix + from, to: to === undefined ? endOfPrefix(prefix) : prefix + to };
  for (const { at } of overlapping(chain, names)) {
    for await (const object of stateOfRange(bucket, chain, at)) {
      if (compareNames(object.name, names.to) >= 0) break;
      if (object.name.startsWith(prefix) && compareNames(object.name, names.from) >= 0) yield object;
    }
  }
}

/** The first name behind all that begin with a prefix, which ends with a slash. */
function endOfPrefix(prefix: string): string {
  return `${prefix.slice(0, -1)}0`;
}
