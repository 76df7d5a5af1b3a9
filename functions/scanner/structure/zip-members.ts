import { constants, createInflateRaw, type InflateRaw, inflateRawSync } from 'node:zlib';
import type { BorrowedBytes } from '../../../shared/runtime/memory.ts';
import type { LocalHeader } from './zip-records.ts';

/** A check of what is in a member. */
export interface NestedCheck {
  update(piece: BorrowedBytes): Promise<void> | undefined;
  end(): string | undefined;
}

/** Bytes of a member, as they are in the zip, from which its first bytes are to be known. */
const PROBE_BYTES = 512;
const TOO_MUCH = 'unpacks to too much';
const [STORED, DEFLATED] = [0, 8];

/** Bytes that may still be unpacked of a file, all of its archives together: without it a few KiB would take hours. */
export interface Budget {
  left: number;
}

interface Member {
  readonly start: number;
  readonly method: number;
  /** End as the local header says; infinite where it does not. */
  readonly end: number;
  probe: Buffer;
  nested?: NestedCheck;
  inflate?: InflateRaw;
}

/**
 * Has the archives that are members of a zip checked as they go by, one after the other: of each member only the first
 * bytes are unpacked, and all of them where it is an archive itself.
 */
export class ZipMembers {
  readonly #open: (head: Buffer) => NestedCheck | undefined;
  readonly #budget: Budget;
  #queue: LocalHeader[] = [];
  #member: Member | undefined;
  /** Position up to where members were read. */
  #position = 0;
  #wrong: string | undefined;

  /** @param open begins a check of what starts with these bytes, where it needs one */
  constructor(open: (head: Buffer) => NestedCheck | undefined, budget: Budget) {
    this.#open = open;
    this.#budget = budget;
  }

  /** @returns what is wrong with a member */
  end(): string | undefined {
    // Where the end of a member is known by the next bytes only.
    if (this.#member) this.#leave(this.#member, this.#position);
    return this.#wrong;
  }

  /** @param headers those that end in these bytes, which are at `offset` of the file */
  update(bytes: Buffer, offset: number, headers: readonly LocalHeader[]): Promise<void> | undefined {
    this.#queue.push(...headers);
    if (this.#queue.length === 0 && !this.#member) return undefined;
    return this.#read(bytes, offset);
  }

  async #read(piece: Buffer, at: number): Promise<void> {
    let [bytes, offset] = [piece, at];
    const end = at + piece.length;
    while (this.#wrong === undefined) {
      this.#member ??= this.#next();
      const member = this.#member;
      if (!member) return;
      const from = Math.max(this.#position, member.start);
      const to = Math.min(end, member.end);
      if (from > end || (from === end && from < member.end)) return;
      // It has gone by: nothing more is known of it.
      if (from < offset) this.#leave(member, offset);
      else await this.#take(member, bytes.subarray(from - offset, to - offset), from);
      if (this.#member === member && this.#position >= end) return;
      if (this.#member === member && this.#position <= from) this.#wrong = 'cannot be read';
      if (this.#member !== member && !member.nested && member.start < offset) {
        // Of a member of unknown length, what was taken for it may hold others.
        bytes = Buffer.concat([member.probe.subarray(0, offset - member.start), bytes]);
        offset = member.start;
      }
    }
  }

  #next(): Member | undefined {
    for (;;) {
      const header = this.#queue.shift();
      if (!header) return undefined;
      const { method, compressed, described, encrypted } = header;
      if (header.offset < this.#position || encrypted || (method !== STORED && method !== DEFLATED)) continue;
      const start = header.offset + header.length;
      const end = described && compressed === 0 ? Number.POSITIVE_INFINITY : start + compressed;
      this.#position = start;
      return { start, method, end, probe: Buffer.alloc(0) };
    }
  }

  /** @param from where the piece is in the file */
  async #take(member: Member, piece: Buffer, from: number): Promise<void> {
    if (member.nested) return this.#feed(member, piece, from);
    const missing = PROBE_BYTES - member.probe.length;
    member.probe = Buffer.concat([member.probe, piece.subarray(0, missing)]);
    this.#position = from + Math.min(piece.length, missing);
    const head = member.method === STORED ? stored(member) : inflated(member.probe);
    if (member.method === DEFLATED) this.#budget.left -= head.length;
    if (this.#budget.left < 0) {
      this.#wrong = TOO_MUCH;
      return;
    }
    const nested = this.#open(head);
    if (!nested && member.probe.length < PROBE_BYTES && this.#position < member.end) return;
    if (!nested)
      return this.#leave(member, member.end === Number.POSITIVE_INFINITY ? member.start : member.end);
    if (member.method === STORED && member.end === Number.POSITIVE_INFINITY) {
      this.#wrong = 'archive of unknown size in it';
      return;
    }
    member.nested = nested;
    // An error of the stream ends it, whenever that is known.
    if (member.method === DEFLATED) member.inflate = createInflateRaw().on('error', () => undefined);
    await this.#feed(member, member.probe, member.start);
    if (this.#member === member) await this.#feed(member, piece.subarray(missing), this.#position);
  }

  async #feed(member: Member, piece: Buffer, from: number): Promise<void> {
    const { nested, inflate } = member;
    if (!nested) return;
    if (!inflate) await nested.update(piece);
    else if (await unpack(inflate, piece, nested, this.#budget)) {
      this.#leave(member, member.start + inflate.bytesWritten);
      if (this.#budget.left < 0) this.#wrong = TOO_MUCH;
      return;
    }
    this.#position = Math.max(this.#position, from + piece.length);
    if (this.#position >= member.end) this.#leave(member, member.end);
  }

  #leave(member: Member, position: number): void {
    this.#member = undefined;
    this.#position = Math.max(position, member.start);
    const wrong = member.nested?.end();
    if (wrong !== undefined) this.#wrong = `${wrong}, in a member`;
    member.inflate?.destroy();
  }
}

/** A stored member whose size nobody says may be followed by other members at once. */
function stored({ probe, end }: Member): Buffer {
  return end === Number.POSITIVE_INFINITY ? probe.subarray(0, 4) : probe;
}

/** Decompresses as much of the first bytes as it can, also where the stream is broken soon. */
function inflated(bytes: Buffer): Buffer {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 2 ** 20 };
  for (const length of [bytes.length, 128, 32]) {
    try {
      return inflateRawSync(bytes.subarray(0, length), options);
    } catch {
      // Fewer of them may be whole.
    }
  }
  return Buffer.alloc(0);
}

/** @returns whether it is all of the member, or all that can be had */
function unpack(inflate: InflateRaw, piece: Buffer, nested: NestedCheck, budget: Budget): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let [waiting, written] = [0, false];
  const settle = (over: boolean): void => {
    if (!over && (!written || waiting > 0)) return;
    inflate.off('data', onData).off('end', onOver).off('error', onOver);
    resolve(over);
  };
  const onOver = (): void => settle(true);
  const onData = (chunk: Buffer): void => {
    budget.left -= chunk.length;
    if (budget.left < 0) {
      settle(true);
      return;
    }
    const done = nested.update(chunk);
    if (!done) return;
    waiting++;
    inflate.pause();
    void done.then(() => {
      waiting--;
      inflate.resume();
      settle(false);
    });
  };
  inflate.on('data', onData).on('end', onOver).on('error', onOver);
  inflate.write(Buffer.from(piece), () => {
    written = true;
    settle(false);
  });
  return promise;
}
