import * as v from 'valibot';
import { parseGeneration, type StoredObject } from '../../../shared/storage/object.ts';

const text = v.string();
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const generation = v.pipe(
  text,
  v.check((value) => parseGeneration(value) !== undefined),
);

const archivedObject = v.object({
  name: text,
  generation,
  metageneration: generation,
  size: whole,
  crc32c: text,
  contentType: text,
  timeCreated: text,
  updated: text,
  metadata: v.record(text, text),
});
export const archiveLine = v.union([archivedObject, v.object({ name: text, gone: v.literal(true) })]);

/** An object as an export has it: all but its bytes. Sizes are bytes, times RFC 3339. */
export type ArchivedObject = v.InferOutput<typeof archivedObject>;

/** A line of an export: an object that is new or has changed since the export before, or one that is gone. */
export type ArchiveLine = v.InferOutput<typeof archiveLine>;

export function archived(object: StoredObject): ArchivedObject {
  const { name, generation, metageneration, size, crc32c, contentType, timeCreated, updated, metadata } =
    object;
  return {
    name,
    generation,
    metageneration,
    size,
    crc32c,
    contentType,
    timeCreated: timeCreated.toISOString(),
    updated: updated.toISOString(),
    metadata,
  };
}

/** Whether an object still is as an export has it: every write to it or its metadata makes another version. */
export function isUnchanged(
  before: Pick<ArchivedObject, 'generation' | 'metageneration'>,
  now: Pick<StoredObject, 'generation' | 'metageneration'>,
): boolean {
  return before.generation === now.generation && before.metageneration === now.metageneration;
}

/** Compares names as Cloud Storage lists them: by their bytes in UTF-8. */
export function compareNames(one: string, other: string): number {
  return one === other ? 0 : Buffer.compare(Buffer.from(one), Buffer.from(other));
}
