import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const READ_BYTES = 4 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * An append-only file of JSON lines. A line is handed to the kernel before anyone sees what it says, so
 * that a killed process forgets nothing that it answered; one synchronous append of some hundred bytes
 * takes about 5 microseconds, less than a trip through the thread pool.
 */
export class Journal<Line> {
  readonly #path: string;
  #file: number;

  constructor(folder: string) {
    this.#path = join(folder, 'journal.jsonl');
    this.#file = openSync(this.#path, 'a+');
  }

  append(line: Line): void {
    writeAll(this.#file, `${JSON.stringify(line)}\n`);
  }

  /**
   * Every line so far. A last line without its end, which a crash of the machine can leave, is cut off.
   * @throws Error naming the file and the line when an earlier one is damaged
   */
  *replay(): Generator<Line, void> {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    let carried = Buffer.alloc(0);
    let position = 0;
    let complete = 0;
    let number = 0;
    for (let read = -1; read !== 0; position += read) {
      read = readSync(this.#file, buffer, 0, buffer.length, position);
      const bytes = Buffer.concat([carried, buffer.subarray(0, read)]);
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        number += 1;
        yield this.#parse(bytes.toString('utf8', start, end), number);
        complete += end + 1 - start;
        start = end + 1;
      }
      carried = bytes.subarray(start);
    }
    if (complete < position) ftruncateSync(this.#file, complete);
  }

  /** Replaces the journal by an equivalent shorter one; a crash leaves either the old or the new. */
  rewrite(lines: Iterable<Line>): void {
    const temporary = `${this.#path}.new`;
    const file = openSync(temporary, 'w');
    let batch = '';
    for (const line of lines) {
      batch += `${JSON.stringify(line)}\n`;
      if (batch.length < READ_BYTES) continue;
      writeAll(file, batch);
      batch = '';
    }
    writeAll(file, batch);
    fsyncSync(file);
    closeSync(file);
    renameSync(temporary, this.#path);
    closeSync(this.#file);
    this.#file = openSync(this.#path, 'a+');
  }

  close(): void {
    closeSync(this.#file);
  }

  #parse(text: string, number: number): Line {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new Error(`${this.#path}: line ${number} is damaged`, { cause });
    }
  }
}

function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}
