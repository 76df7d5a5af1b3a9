import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, unlink } from 'node:fs';
import { join } from 'node:path';
import { ContentPacks } from './content-packs.ts';

/** Where bytes of a content are. */
export interface ContentPlace {
  readonly path: string;
  /** The byte of the file at which they start. */
  readonly offset: number;
  readonly length: number;
}

/** The pieces of a content; named by its id. */
export interface Component {
  readonly content: string;
  /** Bytes. */
  readonly size: number;
}

const COMPOSED = 'composed:';

/**
 * Immutable contents, in files named by random ids, so that object names never meet the file system. A
 * content is shared by every object that was rewritten from it, and goes when neither an object, a session
 * nor a reader holds it: an overwrite does not disturb a download in progress.
 */
export class ContentFolder {
  readonly packs: ContentPacks;
  /** Whether contents get an MD5. */
  readonly md5: boolean;
  readonly #folder: string;
  readonly #holders = new Map<string, number>();
  readonly #removals = new Set<Promise<void>>();
  /** While the journal is replayed, what it released may be held again by a later line. */
  #replaying = true;

  constructor(folder: string, md5: boolean) {
    this.#folder = folder;
    this.md5 = md5;
    mkdirSync(folder, { recursive: true });
    this.packs = new ContentPacks(folder);
  }

  /** Where the file of a content is that is not composed. */
  fileOf(content: string): string {
    return join(this.#folder, content);
  }

  /** Where `length` bytes from the `first` are, in their order. */
  places(content: string, first: number, length: number): ContentPlace[] {
    const places: ContentPlace[] = [];
    let start = 0;
    for (const { content: part, size } of componentsOf({ content, size: first + length })) {
      const from = Math.max(first - start, 0);
      const to = Math.min(first + length - start, size);
      start += size;
      if (from >= to) continue;
      const { path, offset } = this.packs.locate(part) ?? { path: this.fileOf(part), offset: 0 };
      places.push({ path, offset: offset + from, length: to - from });
    }
    return places;
  }

  /** The id of contents one behind the other. No byte is copied: they are held for as long as it is. */
  compose(parts: readonly Component[]): string {
    const components = parts.flatMap(componentsOf);
    const [only, another] = components;
    if (only && !another) return only.content;
    return COMPOSED + components.map(({ content, size }) => `${content}*${size}`).join('+');
  }

  newId(): string {
    return randomUUID();
  }

  hold(content: string | undefined): void {
    if (content === undefined) return;
    for (const part of componentsOf({ content, size: 0 })) this.#hold(part.content);
  }

  release(content: string | undefined): void {
    if (content === undefined) return;
    for (const part of componentsOf({ content, size: 0 })) this.#release(part.content);
  }

  #hold(content: string): void {
    const holders = this.#holders.get(content) ?? 0;
    this.#holders.set(content, holders + 1);
    if (holders === 0) this.packs.hold(content);
  }

  #release(content: string): void {
    const holders = (this.#holders.get(content) ?? 0) - 1;
    if (holders > 0) {
      this.#holders.set(content, holders);
      return;
    }
    this.#holders.delete(content);
    this.packs.release(content);
    if (!this.#replaying) this.discard(content);
  }

  /** Removes the file of a content that nothing holds, if it has one itself. */
  discard(content: string): void {
    if (this.packs.locate(content) !== undefined) return;
    const removal = new Promise<void>((resolve) => {
      // A content that was never written has no file: nothing to report.
      unlink(join(this.#folder, content), () => {
        this.#removals.delete(removal);
        resolve();
      });
    });
    this.#removals.add(removal);
  }

  /** Ends the replay: removes what no line of the journal holds, as uploads that a kill cut short. */
  endReplay(): void {
    this.#replaying = false;
    const files = readdirSync(this.#folder);
    this.packs.adopt(files);
    for (const file of files) {
      if (!file.startsWith('pack-') && !this.#holders.has(file)) this.discard(file);
    }
  }

  /** Resolves when no removal is under way. */
  async close(): Promise<void> {
    this.packs.close();
    await Promise.all(this.#removals);
  }
}

function componentsOf({ content, size }: Component): readonly Component[] {
  if (!content.startsWith(COMPOSED)) return [{ content, size }];
  const parts = content.slice(COMPOSED.length).split('+');
  return parts.map((part) => {
    const [id = '', bytes] = part.split('*');
    return { content: id, size: Number(bytes) };
  });
}
