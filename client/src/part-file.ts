import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { RangeTarget } from './download-ranges.ts';
import { isRunning } from './running.ts';

/** The expected content of a part file. */
export interface PartPlan {
  readonly id: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly partSize: number;
}

/** Part files that this process writes: another process that is gone may have had its id. */
const writing = new Set<string>();

/** A free name beside a file, for its bytes until all of them are there. Its owner is this process. */
export function partPath(final: string): string {
  return `${final}.${process.pid}.${randomBytes(4).toString('hex')}.part`;
}

/**
 * Gives a file its final name.
 * @param replace whether one that has this name is replaced
 * @throws with the code EEXIST where it is not
 */
export async function giveName(path: string, final: string, replace: boolean): Promise<void> {
  if (replace) return rename(path, final);
  try {
    // A rename would replace a file that appeared meanwhile.
    await link(path, final);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || (await exists(final))) throw taken(final);
    // Some file systems have no links.
    return rename(path, final);
  }
  await rm(path, { force: true });
}

function taken(path: string): Error {
  return Object.assign(new Error(`${path} exists.`), { code: 'EEXIST' });
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * A download under way, in one file beside the one that it becomes: the bytes at their places, and behind them what has arrived,
 * one byte a part, so that a later attempt continues. While a process writes it, its name has the number of that process.
 */
export class PartFile implements RangeTarget {
  readonly #path: string;
  readonly #final: string;
  readonly #file: FileHandle;
  readonly #plan: PartPlan;
  readonly #arrived: Uint8Array;

  private constructor(path: string, final: string, file: FileHandle, plan: PartPlan, arrived: Uint8Array) {
    this.#path = path;
    this.#final = final;
    this.#file = file;
    this.#plan = plan;
    this.#arrived = arrived;
  }

  /** Continues an earlier attempt at the same content, where there is one that no other process is at. */
  static async open(final: string, plan: PartPlan): Promise<PartFile> {
    const path = partPath(final);
    writing.add(path);
    try {
      const left = await claim(final, path, plan);
      if (left) return new PartFile(path, final, left.file, plan, left.arrived);
      const file = await open(path, 'wx+');
      return new PartFile(path, final, file, plan, await begin(file, plan, path));
    } catch (error) {
      writing.delete(path);
      throw error;
    }
  }

  has(part: number): boolean {
    return this.#arrived[part] === 1;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at, position + at);
      at += bytesWritten;
    }
  }

  async complete(part: number): Promise<void> {
    this.#arrived[part] = 1;
    await this.#file.write(this.#arrived, part, 1, this.#plan.size + headOf(this.#plan).length + part);
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const { bytesRead } = await this.#file.read(bytes, at, length - at, position + at);
      if (bytesRead === 0) throw new Error(`${this.#path} was cut off by another program`);
      at += bytesRead;
    }
    return bytes;
  }

  /**
   * Gives the file its name. All of it has to be verified.
   * @throws with the code EEXIST where another has the name and is not to be replaced: this one is left to a later attempt
   */
  async finish(replace: boolean): Promise<void> {
    if (!replace && (await exists(this.#final))) {
      await this.leave();
      throw taken(this.#final);
    }
    await this.#file.truncate(this.#plan.size);
    await this.#close();
    try {
      await giveName(this.#path, this.#final, replace);
    } catch (error) {
      await rm(this.#path, { force: true });
      throw error;
    }
  }

  /** Leaves it to a later attempt; where another file has the name `NAME.part`, under the name that it has now. */
  async leave(): Promise<void> {
    await this.#close();
    await giveName(this.#path, `${this.#final}.part`, false).catch(() => undefined);
  }

  async remove(): Promise<void> {
    await this.#close();
    await rm(this.#path, { force: true });
  }

  async #close(): Promise<void> {
    writing.delete(this.#path);
    await this.#file.close();
  }
}

async function begin(file: FileHandle, plan: PartPlan, path: string): Promise<Uint8Array> {
  try {
    await file.write(headOf(plan), 0, null, plan.size);
    const none = new Uint8Array(Math.ceil(plan.size / plan.partSize));
    await file.write(none, 0, none.length, plan.size + headOf(plan).length);
    return none;
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
}

interface Left {
  readonly file: FileHandle;
  readonly arrived: Uint8Array;
}

/**
 * Takes over what an earlier attempt at this content left. Of several processes that try, a rename succeeds for one. Other files
 * with such a name stay: senders choose the names of files.
 */
async function claim(final: string, path: string, plan: PartPlan): Promise<Left | undefined> {
  const name = basename(final);
  const names = await readdir(dirname(final));
  for (const one of names.filter((each) => each.startsWith(`${name}.`) && each.endsWith('.part'))) {
    const left = join(dirname(final), one);
    if (!isFree(one.slice(name.length, -'.part'.length), left)) continue;
    const found = await openLeft(left, plan);
    if (!found) continue;
    const claimed = await rename(left, path).then(
      () => true,
      () => false,
    );
    if (claimed) return found;
    await found.file.close();
  }
  return undefined;
}

/** @param owner `.PID`, with a random number or without, or nothing where the process left it */
function isFree(owner: string, path: string): boolean {
  if (owner === '') return true;
  const [, pid] = /^\.(\d{1,10})(?:\.[0-9a-f]{8})?$/.exec(owner) ?? [];
  return pid !== undefined && !isRunning(Number(pid)) && !writing.has(path);
}

/** @returns undefined where it is of another content, was not written to its end, or is of another user, who could still change it */
async function openLeft(path: string, plan: PartPlan): Promise<Left | undefined> {
  // A link could lead to any file; Windows has no such flag, and a pipe would wait for a reader.
  const flags = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const file = await open(path, flags).catch(() => undefined);
  if (!file) return undefined;
  const arrived = await arrivedIn(file, plan).catch(() => undefined);
  if (arrived) return { file, arrived };
  await file.close();
  return undefined;
}

function headOf(plan: PartPlan): Buffer {
  return Buffer.from(`${JSON.stringify(plan)}\n`);
}

async function arrivedIn(file: FileHandle, plan: PartPlan): Promise<Uint8Array | undefined> {
  const head = headOf(plan);
  const count = Math.ceil(plan.size / plan.partSize);
  const found = await file.stat();
  const isOwn = process.getuid === undefined || found.uid === process.getuid();
  if (!found.isFile() || !isOwn || found.size !== plan.size + head.length + count) return undefined;
  const tail = Buffer.alloc(head.length + count);
  await file.read(tail, 0, tail.length, plan.size);
  return tail.subarray(0, head.length).equals(head) ? new Uint8Array(tail.subarray(head.length)) : undefined;
}
