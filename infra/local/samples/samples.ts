import { createCipheriv } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pdf, png } from './documents.ts';
import { deflated, encrypted, zip } from './zip.ts';
import { zipBomb } from './zip-bomb.ts';

type Verdict = 'clean' | 'infected' | 'unscannable';

/** A file to upload, and what is known of it beforehand. */
export interface Sample {
  readonly name: string;
  readonly contentType: string;
  /** Absent where nobody knows. */
  readonly expected?: Verdict;
  /** The bytes, each time from the start. */
  open(): Readable;
}

const MIB = 1024 * 1024;

/** Written in two parts, so that no scanner takes this source for the test file. */
const EICAR = Buffer.from(
  ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-', 'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join(''),
);

/** One of each kind that matters, the same bytes every time. */
export function samples(): readonly Sample[] {
  return [
    sample('letter.pdf', 'application/pdf', 'clean', () => pdf('Discharge letter')),
    sample('x-ray.png', 'image/png', 'clean', () => png(256)),
    { name: 'gait-analysis.mp4', contentType: 'video/mp4', expected: 'clean', open: () => video(300) },
    sample('empty.txt', 'text/plain', 'clean', () => Buffer.alloc(0)),
    sample('one-byte.bin', 'application/octet-stream', 'clean', () => Buffer.from([0])),
    sample('note.txt', 'text/plain', 'clean', () => Buffer.from('No known allergies.\n')),
    sample('eicar.com', 'application/octet-stream', 'infected', () => EICAR),
    sample('eicar-zip-in-zip.zip', 'application/zip', 'infected', () => zipInZip(EICAR)),
    sample('encrypted.zip', 'application/zip', 'unscannable', () =>
      zip([encrypted('note.txt', EICAR, 'secret')]),
    ),
    sample('bomb.zip', 'application/zip', 'unscannable', zipBomb),
  ];
}

/** Every file at or below a path, under its path from there. */
export async function samplesBelow(path: string): Promise<readonly Sample[]> {
  const root = resolve(path);
  if ((await stat(root)).isFile()) return [fileSample(path, root)];
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((file) => fileSample(relative(root, file), file));
}

function fileSample(name: string, path: string): Sample {
  return { name, contentType: 'application/octet-stream', open: () => createReadStream(path) };
}

function sample(name: string, contentType: string, expected: Verdict, content: () => Buffer): Sample {
  return { name, contentType, expected, open: () => Readable.from([content()], { objectMode: false }) };
}

function zipInZip(content: Buffer): Buffer {
  const inner = zip([deflated('eicar.com', content)]);
  return zip([deflated('inner.zip', inner)]);
}

/** An MPEG-4 file type box, and a media data box of so many MiB that look like compressed video: a keystream. */
function video(mebibytes: number): Readable {
  const fileType = Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom', 'latin1');
  const media = Buffer.from('\0\0\0\0mdat', 'latin1');
  media.writeUInt32BE(media.length + mebibytes * MIB);
  return Readable.from(
    (function* () {
      yield fileType;
      yield media;
      const keystream = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
      const zeros = Buffer.alloc(MIB);
      for (let count = 0; count < mebibytes; count += 1) yield keystream.update(zeros);
    })(),
    { objectMode: false },
  );
}
