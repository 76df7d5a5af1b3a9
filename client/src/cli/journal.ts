import { createHash, randomUUID } from 'node:crypto';
import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { stateFolder } from '../state.ts';

/** A file of a folder: the key it is sent under, and its id once the service has answered. */
interface Sent {
  readonly fingerprint: string;
  readonly key: string;
  readonly id?: string;
}

/** Remembers which files of a folder are uploaded, until all are: the same command after a break sends only the rest. */
export class Journal {
  readonly #path: string;
  readonly #sent: Map<string, Sent>;

  private constructor(path: string, sent: Map<string, Sent>) {
    this.#path = path;
    this.#sent = sent;
  }

  /** @param service distinguishes deployments: an id of one means nothing to another */
  static async open(service: string, folders: readonly string[]): Promise<Journal> {
    const about = JSON.stringify([service, folders.map((folder) => resolve(folder))]);
    const path = join(stateFolder('folders'), `${createHash('sha256').update(about).digest('hex')}.jsonl`);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return new Journal(path, parse(await readFile(path, 'utf8').catch(() => '')));
  }

  /** Returns what an earlier run noted about a file. */
  find(fingerprint: string): Sent | undefined {
    return this.#sent.get(fingerprint);
  }

  /** Returns a new key, noted before the file is sent: a repeat after a lost answer gives the same file. */
  async begin(fingerprint: string): Promise<string> {
    const key = randomUUID();
    await this.#add({ fingerprint, key });
    return key;
  }

  async finish(fingerprint: string, key: string, id: string): Promise<void> {
    await this.#add({ fingerprint, key, id });
  }

  /** Forgets all of it: the next run uploads the folder anew. */
  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  async #add(sent: Sent): Promise<void> {
    this.#sent.set(sent.fingerprint, sent);
    // The line feed comes first: a line that a crash has cut off spoils only itself.
    await appendFile(this.#path, `\n${JSON.stringify(sent)}`, { mode: 0o600 });
  }
}

function parse(text: string): Map<string, Sent> {
  const sent = new Map<string, Sent>();
  for (const line of text.split('\n').filter(Boolean)) {
    try {
      const entry = JSON.parse(line) as Sent;
      sent.set(entry.fingerprint, entry);
    } catch {
      // Cut off by a crash: that file is sent again.
    }
  }
  return sent;
}
