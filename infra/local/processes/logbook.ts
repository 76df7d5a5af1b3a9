import { once } from 'node:events';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { consoleLine } from './log-line.ts';

const LAST_LINES = 8;

type Print = (line: string) => void;

/** Both streams of a process. */
interface Output {
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** A file for all that each child says, and the console for what a person should see. */
export interface Logbook {
  /** Shows a line of the platform's own. */
  notice(line: string): void;
  /** Takes in a child's output until it ends; `show` gets what a person should see. */
  record(name: string, output: Output, show: Print): Promise<void>;
  /** Where a child's log is, as a person here would type it. */
  path(name: string): string;
  /** Lines of the child's present or last run. */
  lastLines(name: string): readonly string[];
  close(): Promise<void>;
}

/** Logs go to `folder`, each run from an empty file; `print` is the console, and `read` gets every line of every child. */
export function openLogbook(
  folder: string,
  print: Print,
  read: (name: string, line: string) => void = () => undefined,
): Logbook {
  mkdirSync(folder, { recursive: true });
  const files = new Map<string, WriteStream>();
  const last = new Map<string, string[]>();

  async function take(name: string, stream: keyof Output, source: Readable, show: Print): Promise<void> {
    const file = files.get(name) ?? createWriteStream(join(folder, `${name}.log`));
    files.set(name, file);
    for await (const line of createInterface({ input: source, crlfDelay: Number.POSITIVE_INFINITY })) {
      last.set(name, [...(last.get(name) ?? []), line].slice(-LAST_LINES));
      read(name, line);
      const shown = consoleLine(name, line, stream);
      if (shown) show(shown);
      if (!file.write(`${line}\n`)) await once(file, 'drain');
    }
  }

  return {
    notice: print,
    async record(name, { stdout, stderr }, show) {
      last.delete(name);
      await Promise.all([take(name, 'stdout', stdout, show), take(name, 'stderr', stderr, show)]);
    },
    path: (name) => relative(process.cwd(), join(folder, `${name}.log`)),
    lastLines: (name) => last.get(name) ?? [],
    async close() {
      await Promise.all([...files.values()].map((file) => new Promise<void>((done) => void file.end(done))));
      files.clear();
    },
  };
}
