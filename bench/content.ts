import { createCipheriv, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { deflated, zip } from '../infra/local/samples/zip.ts';
import { MIB } from './scale.ts';

const BLOCK_BYTES = MIB;
const WORDS = 'patient referral discharge summary image attachment hospital note laboratory result '.split(
  ' ',
);

/** Kinds of content that ClamAV treats differently. */
export const KINDS = ['random', 'text', 'zip'] as const;
export type Kind = (typeof KINDS)[number];

/** Writes a file that no other call ever writes. */
export async function writeContent(kind: Kind, bytes: number, path: string): Promise<void> {
  await pipeline(PIECES[kind](bytes), createWriteStream(path));
}

/** The same, in memory. */
export function contentOf(kind: Kind, bytes: number): Buffer {
  return Buffer.concat([...PIECES[kind](bytes)]);
}

const PIECES: Readonly<Record<Kind, (bytes: number) => Iterable<Buffer>>> = { random, text, zip: archive };

/** A keystream, which nothing can tell from noise. */
function* random(bytes: number): Generator<Buffer> {
  const stream = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  for (let left = bytes; left > 0; left -= BLOCK_BYTES)
    yield stream.update(Buffer.alloc(Math.min(left, BLOCK_BYTES)));
}

/** Words and numbers in lines; the first line is different each time. */
export function* text(bytes: number): Generator<Buffer> {
  const nonce = Buffer.from(`${randomBytes(16).toString('hex')}\n`);
  yield nonce;
  const lines = Array.from({ length: BLOCK_BYTES / 16 }, (_, at) => {
    const [first, second] = [WORDS[at % WORDS.length], WORDS[(at * 7 + 3) % WORDS.length]];
    return `${at} ${first} ${second}`;
  });
  const block = Buffer.from(lines.join('\n')).subarray(0, BLOCK_BYTES);
  for (let left = bytes - nonce.length; left > 0; left -= BLOCK_BYTES) yield block.subarray(0, left);
}

/** An archive of that size, more or less, of entries that deflate to three quarters. Its comment is the nonce. */
function* archive(bytes: number): Generator<Buffer> {
  const entryBytes = Math.min(8 * MIB, Math.ceil(bytes / 4));
  const entry = deflated('', Buffer.from(randomBytes((entryBytes * 3) / 4).toString('base64')));
  const count = Math.max(1, Math.round(bytes / entry.body.length));
  const entries = Array.from({ length: count }, (_, at) => ({ ...entry, name: `attachment-${at}.txt` }));
  const whole = zip(entries);
  const comment = randomBytes(16);
  // PKWARE APPNOTE 4.3.16: the last field is the length of what follows.
  whole.writeUInt16LE(comment.length, whole.length - 2);
  yield whole;
  yield comment;
}
