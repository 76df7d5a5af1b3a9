import type { FileId } from './fileId.ts';

/** Custom metadata of an object. At most 8 KiB of UTF-8 in all: https://cloud.google.com/storage/quotas#objects */
export type Metadata = Readonly<Record<string, string>>;

/** RFC 3339. */
export function parseTime(text: string): Date | undefined {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

export function parseCount(text: string): number | undefined {
  const count = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(count) ? count : undefined;
}

/** A record whose metadata does not parse. It is a fault for an operator to look at, and denies everything. */
export class CorruptRecord extends Error {
  override readonly name = 'CorruptRecord';
}

export class Fields {
  readonly id: FileId;
  readonly metadata: Metadata;

  constructor(id: FileId, metadata: Metadata) {
    this.id = id;
    this.metadata = metadata;
  }

  text(name: string): string {
    return this.metadata[name] ?? this.corrupt(name);
  }

  parsed<T>(name: string, parse: (text: string) => T | undefined): T {
    return parse(this.text(name)) ?? this.corrupt(name);
  }

  corrupt(name: string): never {
    throw new CorruptRecord(`record ${this.id}: ${name} does not parse`);
  }
}
