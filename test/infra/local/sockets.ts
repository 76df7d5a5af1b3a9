import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** TCP_LISTEN of the kernel's include/net/tcp_states.h. */
const LISTEN = '0A';

export interface ListeningSocket {
  readonly pid: number;
  /** Address as /proc/net has it: hex, each group of four bytes in the machine's order. */
  readonly address: string;
  readonly port: number;
}

/** A process and everything that it has started. */
export function withDescendants(root: number): number[] {
  const parents = new Map(numbersIn('/proc').map((pid) => [pid, parentOf(pid)]));
  const family = [root];
  for (const pid of family) {
    for (const [child, parent] of parents) if (parent === pid) family.push(child);
  }
  return family;
}

/** The TCP sockets that these processes listen on, as the kernel knows them. */
export function listeningSockets(pids: readonly number[]): ListeningSocket[] {
  const owners = new Map(pids.flatMap((pid) => inodesOf(pid).map((inode) => [inode, pid] as const)));
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    linesOf(table).flatMap((line) => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const pid = owners.get(inode);
      if (state !== LISTEN || pid === undefined) return [];
      const [address = '', port = ''] = local.split(':');
      return [{ pid, address, port: Number.parseInt(port, 16) }];
    }),
  );
}

/** 127.0.0.0/8, ::1, or the former written as IPv6. */
export function isLoopback(address: string): boolean {
  if (address === '00000000000000000000000001000000') return true;
  return /^(0{16}FFFF0000)?[0-9A-F]{6}7F$/.test(address);
}

function inodesOf(pid: number): string[] {
  return numbersIn(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch {
      return [];
    }
  });
}

function parentOf(pid: number): number {
  try {
    // The name of the program, in parentheses, may hold anything.
    return Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[1],
    );
  } catch {
    return Number.NaN;
  }
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder).map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').trim().split('\n').slice(1);
}
