import { setTimeout as delay } from 'node:timers/promises';
import { type Child, type ChildSpec, type ReadyMessage, startChild } from './child.ts';
import type { Logbook } from './logbook.ts';
import type { ProcessGuard } from './process-guard.ts';

/** The first restart comes at once, as Cloud Run's does; each further one waits twice as long. */
const BACKOFF_MS = { first: 100, most: 10_000 };
/** A child that ran this long starts over with the shortest wait. */
const STABLE_MS = 10_000;
/** A child that never became ready is given up after so many attempts. */
const FIRST_ATTEMPTS = 3;

/** One child as the status page shows it. */
export interface ChildStatus {
  readonly name: string;
  readonly state: 'starting' | 'ready' | 'restarting' | 'stopping' | 'stopped';
  readonly pid?: number;
  readonly restarts: number;
  /** When it entered this state, in ms since 1970. */
  readonly since: number;
}

/** A child that did not become ready, with what it last said. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

export interface Supervised {
  readonly name: string;
  /** Its first message when it became ready. Rejects with {@link StartupError}. */
  readonly ready: Promise<ReadyMessage>;
  status(): ChildStatus;
  /** SIGTERM, and SIGKILL after `withinMs`. Resolves when it is gone. */
  stop(withinMs: number): Promise<void>;
}

export interface SupervisorOptions {
  readonly guard: ProcessGuard;
  readonly logbook: Logbook;
  /** Called after each time it has become ready, the first included; `ready` waits for it. */
  readonly onReady?: (message: ReadyMessage) => Promise<void>;
  /** Milliseconds before each restart, in place of waits that grow. */
  readonly restartAfterMs?: number;
}

/** Keeps a child running: whatever ends it, it is started again with the same arguments, so on the same port. */
export function supervise(spec: ChildSpec, options: SupervisorOptions): Supervised {
  const { guard, logbook, onReady, restartAfterMs } = options;
  const { name } = spec;
  const stopping = new AbortController();
  const first = Promise.withResolvers<ReadyMessage>();
  first.promise.catch(() => {}); // Read by the code that starts the platform; not by a stop meanwhile.
  let current: Child | undefined;
  let everReady = false;
  let status: ChildStatus = { name, state: 'starting', restarts: 0, since: Date.now() };
  const enter = (state: ChildStatus['state']) => {
    const { restarts } = status;
    status = { name, state, restarts, since: Date.now(), ...(current && { pid: current.pid }) };
  };
  // A failing start is told in one message, with the last lines; warnings of one that succeeds come after it.
  const held: string[] = [];
  const show = (line: string) => void (everReady ? logbook.notice(line) : held.push(line));
  const ended = run().catch(first.reject);

  async function run(): Promise<void> {
    let wait = restartAfterMs ?? BACKOFF_MS.first;
    for (let attempt = 1; !stopping.signal.aborted; attempt += 1) {
      const startedAt = Date.now();
      const how = await runOnce();
      if (stopping.signal.aborted) break;
      if (!everReady && attempt === FIRST_ATTEMPTS) throw startupError(name, how, logbook);
      if (Date.now() - startedAt > STABLE_MS) wait = restartAfterMs ?? BACKOFF_MS.first;
      if (everReady) {
        const where = logbook.path(name);
        logbook.notice(`${name} stopped (${how}). Restarting in ${wait / 1000} s; its log is ${where}`);
      }
      enter('restarting');
      await delay(wait, undefined, { signal: stopping.signal }).catch(() => {});
      if (!stopping.signal.aborted) status = { ...status, restarts: status.restarts + 1 };
      wait = restartAfterMs ?? Math.min(wait * 2, BACKOFF_MS.most);
    }
    enter('stopped');
    first.reject(new StartupError(`${name} was stopped before it was ready.`));
  }

  async function runOnce(): Promise<string> {
    const child = await startChild(spec, guard);
    current = child;
    if (stopping.signal.aborted) child.signal('SIGTERM');
    enter(stopping.signal.aborted ? 'stopping' : 'starting');
    const written = logbook.record(name, child, show);
    void child.ready.then((message) => becameReady(child, message)).catch(first.reject);
    const how = await child.exited;
    await written;
    current = undefined;
    return how;
  }

  async function becameReady(child: Child, message: ReadyMessage): Promise<void> {
    await onReady?.(message);
    if (current !== child || stopping.signal.aborted) return;
    enter('ready');
    if (everReady) logbook.notice(`${name} serves again.`);
    everReady = true;
    for (const line of held.splice(0)) logbook.notice(line);
    first.resolve(message);
  }

  return {
    name,
    ready: first.promise,
    status: () => status,
    async stop(withinMs) {
      if (!stopping.signal.aborted) {
        stopping.abort();
        if (current) enter('stopping');
        current?.signal('SIGTERM');
      }
      const kill = setTimeout(() => current?.signal('SIGKILL'), withinMs);
      await ended;
      clearTimeout(kill);
    },
  };
}

function startupError(name: string, how: string, logbook: Logbook): StartupError {
  const last = logbook.lastLines(name).map((line) => `  ${line}`);
  return new StartupError([`${name} does not start (${how}). Its last words:`, ...last].join('\n'));
}
