import { extname } from 'node:path';

/** Bytes of UTF-8: file systems take 255, and a download has more behind its name until it is whole. */
const MOST_BYTES = 200;

/** Names of devices on Windows, with any extension. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)/i;

/**
 * A file name from one that comes from somebody else: it leads to no other folder, is not hidden, and has no control characters.
 * @returns undefined where nothing of it is left
 */
export function safeName(given: string | undefined, platform = process.platform): string | undefined {
  const last = (given ?? '').split(/[/\\]/).at(-1) ?? '';
  const plain = last.replace(/\p{C}/gu, '').replace(/^[.\s]+/, '');
  const name = shortened(platform === 'win32' ? forWindows(plain) : plain);
  return name || undefined;
}

/** A colon names a drive or a stream, and what ends in a dot or a space is stored without. */
function forWindows(name: string): string {
  return name
    .replace(/[<>:"|?*]/g, '_')
    .replace(/[.\s]+$/, '')
    .replace(DEVICE, '_$&');
}

/** Keeps the extension, which tells programs what it is. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= MOST_BYTES) return name;
  const extension = Buffer.byteLength(extname(name)) <= MOST_BYTES / 4 ? extname(name) : '';
  const characters = [...name.slice(0, name.length - extension.length)];
  while (Buffer.byteLength(characters.join('') + extension) > MOST_BYTES) characters.pop();
  return characters.join('') + extension;
}

/** Names that are given to the files of one command: one that is taken gets a number. */
export class Names {
  readonly #taken = new Set<string>();

  take(name: string): string {
    const extension = extname(name);
    const stem = name.slice(0, name.length - extension.length);
    for (let number = 1; ; number++) {
      const numbered = number === 1 ? name : `${stem} (${number})${extension}`;
      // Some file systems know one name for both.
      const key = numbered.normalize('NFC').toLowerCase();
      if (this.#taken.has(key)) continue;
      this.#taken.add(key);
      return numbered;
    }
  }
}
