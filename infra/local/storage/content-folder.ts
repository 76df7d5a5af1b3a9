import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, unlink } from 'node:fs';
import { join } from 'node:path';
import { ContentPacks } from './content-packs.ts';

/** Where the bytes of a content are. */
export interface ContentPlace {
  readonly path: string;
  /** The byte of the file at which the content starts. */
  readonly offset: number;
}

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

  place(content: string): ContentPlace {
    return this.packs.locate(content) ?? { path: join(this.#folder, content), offset: 0 };
  }

  newId(): string {
    return randomUUID();
  }

  hold(content: string | undefined): void {
    if (content === undefined) return;
    const holders = this.#holders.get(content) ?? 0;
    this.#holders.set(content, holders + 1);
    if (holders === 0) this.packs.hold(content);
  }

  release(content: string | undefined): void {
    if (content === undefined) return;
    const holders = (this.#holders.get(content) ?? 0) - 1;
    if (holders > 0) {
      this.#holders.set(content, holders);
      return;
    }
    this.#holders.delete(content);
    this.packs.release(content);
    if (!this.#replaying) this.discard(content);
  }

  /** Removes the file of a content that nothing holds, if it has one of its own. */
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
