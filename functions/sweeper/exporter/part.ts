import { createHash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import type { BorrowedBytes } from '../../../shared/runtime/memory.ts';
import type { Bucket } from '../../../shared/storage/bucket.ts';
import { parseJson } from '../parse-json.ts';
import { type ArchiveLine, archiveLine } from './archived.ts';

/** Characters that are compressed at a time. */
const BLOCK = 64 * 1024;

/** A part of an export that is not what its manifest says, or is not there. */
export class ArchiveDamaged extends Error {
  override readonly name = 'ArchiveDamaged';
}

/** The bytes of a part: NDJSON, compressed by gzip. */
export interface StoredPart {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/**
 * Streams lines to an object that must not exist, compressed.
 * @throws {StorageError} and what `lines` throws: there is no such object then
 */
export async function writePart(
  bucket: Bucket,
  name: string,
  lines: AsyncIterable<ArchiveLine>,
): Promise<StoredPart> {
  const gzip = createGzip({ chunkSize: BLOCK });
  // A failure of the lines destroys the stream, and is met where it is read.
  pipeline(Readable.from(blocks(lines)), gzip, () => undefined);
  const staged = await bucket.stage(name, gzip, { contentType: 'application/gzip' });
  await staged.commit();
  return { name, size: staged.size, sha256: staged.sha256 };
}

async function* blocks(lines: AsyncIterable<ArchiveLine>): AsyncGenerator<string, void, undefined> {
  let block = '';
  for await (const line of lines) {
    block += `${JSON.stringify(line)}\n`;
    if (block.length < BLOCK) continue;
    yield block;
    block = '';
  }
  yield block;
}

/**
 * The lines of a part, one after another.
 * @throws {ArchiveDamaged} at its end at the latest, where its bytes are not those that were written; {StorageError}
 */
export async function* readPart(
  bucket: Bucket,
  part: StoredPart,
): AsyncGenerator<ArchiveLine, void, undefined> {
  const object = await bucket.stat(part.name);
  const { generation, size } = object ?? {};
  const bytes =
    generation && size === part.size
      ? await bucket.read(part.name, { generation, range: { start: 0, end: part.size - 1 } })
      : undefined;
  if (!bytes) throw new ArchiveDamaged(`${part.name} is not there, or of another size`);
  const failed = (cause: unknown) =>
    new ArchiveDamaged(`${part.name} has a line that does not parse`, { cause });
  const source = Readable.from(checked(bytes, part));
  const text = createGunzip({ chunkSize: BLOCK });
  text.setEncoding('utf8');
  // A failure of the source destroys the stream, and is met where it is read.
  pipeline(source, text, () => undefined);
  try {
    let rest = '';
    for await (const piece of text as AsyncIterable<string>) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield parseJson(archiveLine, line, failed);
    }
    if (rest !== '') throw new ArchiveDamaged(`${part.name} ends within a line`);
  } catch (error) {
    const isGzip = (error as NodeJS.ErrnoException).code?.startsWith('Z_') === true;
    throw isGzip ? new ArchiveDamaged(`${part.name} does not decompress`, { cause: error }) : error;
  } finally {
    source.destroy();
    text.destroy();
  }
}

/** Copies each piece, since a stream requests the next one early. */
async function* checked(
  bytes: AsyncIterable<BorrowedBytes>,
  { name, sha256 }: StoredPart,
): AsyncGenerator<Buffer, void, undefined> {
  const hash = createHash('sha256');
  for await (const piece of bytes) {
    hash.update(piece);
    yield Buffer.from(piece);
  }
  if (hash.digest('hex') !== sha256) throw new ArchiveDamaged(`${name} has another digest than its manifest`);
}
