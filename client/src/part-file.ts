import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
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
    const path = `${final}.${process.pid}.part`;
    const claimed = await claim(final, path);
    const file = await open(path, claimed ? 'r+' : 'wx+');
    try {
      const arrived = claimed ? await arrivedIn(file, plan) : undefined;
      if (arrived) return new PartFile(path, final, file, plan, arrived);
      await file.truncate(0);
      await file.write(headOf(plan), 0, null, plan.size);
      const none = new Uint8Array(Math.ceil(plan.size / plan.partSize));
      await file.write(none, 0, none.length, plan.size + headOf(plan).length);
      return new PartFile(path, final, file, plan, none);
    } catch (error) {
      await file.close();
      await rm(path, { force: true });
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

  /** Gives the file its name. All of it has to be verified. */
  async finish(): Promise<void> {
    await this.#file.truncate(this.#plan.size);
    await this.#file.close();
    await rename(this.#path, this.#final);
  }

  /** Leaves it to a later attempt. */
  async leave(): Promise<void> {
    await this.#file.close();
    await rename(this.#path, `${this.#final}.part`);
  }

  async remove(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}

/** Takes over what an earlier attempt left. Of several processes that try, a rename succeeds for one. */
async function claim(final: string, path: string): Promise<boolean> {
  const name = basename(final);
  const names = await readdir(dirname(final));
  for (const left of names.filter((one) => one.startsWith(`${name}.`) && one.endsWith('.part'))) {
    const owner = left.slice(name.length, -'.part'.length);
    if (owner !== '' && !(/^\.\d{1,10}$/.test(owner) && !isRunning(Number(owner.slice(1))))) continue;
    const claimed = await rename(join(dirname(final), left), path).then(
      () => true,
      () => false,
    );
    if (claimed) return true;
  }
  return false;
}

function headOf(plan: PartPlan): Buffer {
  return Buffer.from(`${JSON.stringify(plan)}\n`);
}

/** @returns undefined where it is of another content, or was not written to its end */
async function arrivedIn(file: FileHandle, plan: PartPlan): Promise<Uint8Array | undefined> {
  const head = headOf(plan);
  const count = Math.ceil(plan.size / plan.partSize);
  const { size } = await file.stat();
  if (size !== plan.size + head.length + count) return undefined;
  const found = Buffer.alloc(head.length + count);
  await file.read(found, 0, found.length, plan.size);
  return found.subarray(0, head.length).equals(head)
    ? new Uint8Array(found.subarray(head.length))
    : undefined;
}
