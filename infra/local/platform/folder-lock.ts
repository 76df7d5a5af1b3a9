import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Somebody else runs in the folder. */
class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
}

/** The process that runs in a folder. */
export interface Holder {
  readonly pid: number;
  /** Start time of the process, in the system's own count: a process id alone is used again. */
  readonly startedAt: string;
  /** URL of its gateway, once that listens. */
  readonly url?: string;
}

export interface FolderLock {
  /** Tells others where this platform is to be found. */
  announce(url: string): void;
  release(): void;
}

/** Takes the folder for this process. A holder that is dead is replaced. Throws {@link FolderInUseError}. */
export function lockFolder(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'lock');
  const draft = `${path}.${process.pid}`;
  const self: Holder = { pid: process.pid, startedAt: startTime(process.pid) };
  const holder = folderHolder(folder);
  if (holder) throw inUse(folder, holder);
  rmSync(path, { force: true });
  writeFileSync(draft, JSON.stringify(self));
  try {
    linkSync(draft, path);
  } catch {
    throw inUse(folder, folderHolder(folder));
  } finally {
    rmSync(draft, { force: true });
  }
  return {
    announce(url) {
      writeFileSync(draft, JSON.stringify({ ...self, url }));
      renameSync(draft, path);
    },
    release: () => rmSync(path, { force: true }),
  };
}

function inUse(folder: string, holder: Holder | undefined): FolderInUseError {
  const who = holder ? `process ${holder.pid}${holder.url ? `, ${holder.url}` : ''}` : 'just started';
  const advice = 'Stop it, or choose another folder: DATA=<folder>';
  return new FolderInUseError(`HOPS Fileshare already runs in ${folder} (${who}). ${advice}`);
}

/** The process that runs in the folder now, or undefined. */
export function folderHolder(folder: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(join(folder, 'lock'), 'utf8')) as Holder;
    return startTime(holder.pid) === holder.startedAt && alive(holder.pid) ? holder : undefined;
  } catch {
    return undefined;
  }
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Field 22 of proc(5)'s stat, counted after the name, which may contain anything; '' where there is no /proc. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
