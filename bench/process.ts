import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/** USER_HZ, which is 100 on every Linux that Node runs on: proc(5). */
const TICKS_A_SECOND = 100;

/** CPU seconds of a process, all its threads together. */
export interface CpuTime {
  readonly user: number;
  /** CPU time in the kernel: system calls, copies, loopback. */
  readonly kernel: number;
}

function cpuTime(pid: number): CpuTime {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { user: Number(fields[11]) / TICKS_A_SECOND, kernel: Number(fields[12]) / TICKS_A_SECOND };
}

/** Resources that processes use while some work is done. */
export async function cpuOf<Name extends string>(
  pids: Readonly<Record<Name, number>>,
  work: () => Promise<unknown>,
): Promise<Record<Name, CpuTime>> {
  const names = Object.keys(pids) as Name[];
  const before = names.map((name) => cpuTime(pids[name]));
  await work();
  const spent = names.map((name, at) => {
    const { user, kernel } = cpuTime(pids[name]);
    return [name, { user: user - (before[at]?.user ?? 0), kernel: kernel - (before[at]?.kernel ?? 0) }];
  });
  return Object.fromEntries(spent) as Record<Name, CpuTime>;
}

export function total({ user, kernel }: CpuTime): number {
  return user + kernel;
}

/** Bytes: the most resident memory of a process since the last {@link forgetPeak}. `VmHWM` of proc(5). */
export function peakMemory(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

/** `clear_refs` of proc(5): the peak begins again at what is resident now. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Nice value of a process, all its threads and those that they start: Linux keeps one for each thread. */
export function setNice(pid: number, nice: number): void {
  for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), nice);
}

/** The only child of a process. */
export function childOf(pid: number): number {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    if (parentOf(entry) === pid) return Number(entry);
  }
  throw new Error(`process ${pid} has no child`);
}

function parentOf(entry: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined; // It has ended meanwhile.
  }
}
