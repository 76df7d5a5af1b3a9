import type { Principal } from '../../shared/identity/principal.ts';
import { GiveWay } from './give-way.ts';

/** Milliseconds for which bytes of an older request may go on arriving before it is ended: those that are on the way count. */
const DRAIN_MS = 2_000;
/** Milliseconds in which a request whose line is dead shows that, to one that only asks. */
const LOOK_MS = 500;
/** Milliseconds for which what arrived is waited for until it is stored. Stored later, it counts too. */
const STORE_MS = 10_000;

/** An upload, by the owner as well: nobody else ends its requests. */
interface Upload {
  readonly id: string;
  readonly owner: Principal;
}

interface Active {
  readonly way: GiveWay;
  readonly over: Promise<void>;
}

/**
 * Requests of this process that read a body, by their upload. A client whose line died comes back on another one, while its
 * old request still waits for bytes here: it is ended, so that what it had counts and its successor sends only the rest.
 */
export class ActiveRequests {
  readonly #active = new Map<string, Set<Active>>();

  /** Runs `read` so that successors can end it. @returns the result of `read`, and throws what it throws */
  async run<Result>(upload: Upload, read: (way: GiveWay) => Promise<Result>): Promise<Result> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const active = { way: new GiveWay(), over };
    const key = keyOf(upload);
    const all = this.#active.get(key) ?? new Set();
    this.#active.set(key, all.add(active));
    try {
      return await read(active.way);
    } finally {
      all.delete(active);
      if (all.size === 0) this.#active.delete(key);
      resolve();
    }
  }

  /** Ends older requests of an upload before a request of this method is served. */
  async giveWayTo(method: string, upload: Upload): Promise<void> {
    await (method === 'HEAD' || method === 'GET' ? this.#endSilent(upload) : this.#end(upload));
  }

  /** Ends requests that receive no more bytes. Active ones continue: the caller only asks for the offset. */
  async #endSilent(upload: Upload): Promise<void> {
    const older = this.#ask(upload);
    if (older.length === 0 || (await over(older, LOOK_MS))) return;
    const alive = older.filter(({ way }) => !way.ended);
    for (const { way } of alive) way.set('no');
    await over(
      older.filter(({ way }) => way.ended),
      STORE_MS,
    );
  }

  /** Ends all requests, even active ones: a client that sends a new request has abandoned them. */
  async #end(upload: Upload): Promise<void> {
    const older = this.#ask(upload);
    if (older.length === 0 || (await over(older, DRAIN_MS))) return;
    for (const { way } of older) way.set('now');
    await over(older, STORE_MS);
  }

  #ask(upload: Upload): readonly Active[] {
    const older = [...(this.#active.get(keyOf(upload)) ?? [])];
    for (const { way } of older) way.set('whenSilent');
    return older;
  }
}

function keyOf({ id, owner }: Upload): string {
  return `${owner} ${id}`;
}

/** Whether all of them ended in time. */
async function over(requests: readonly Active[], withinMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, withinMs, false);
  });
  const all = Promise.all(requests.map((request) => request.over)).then(() => true as const);
  try {
    return await Promise.race([all, late]);
  } finally {
    clearTimeout(timer);
  }
}
