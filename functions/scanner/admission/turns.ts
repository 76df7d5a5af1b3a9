interface TurnsOptions {
  readonly slots: number;
  /** How many may wait for a slot; beyond that, those of the owner with the most of them give way. */
  readonly maxWaiting: number;
  /** Milliseconds that one too many waits for room: small ones that come all at once are gone by then. Below what Cloud Run waits. */
  readonly overflowMs?: number;
  /** Milliseconds for which a slot is kept free of long work after short work came. */
  readonly keepMs?: number;
}

/** The owner of work that takes turns: an owner's long work has separate turns. */
interface Owner {
  readonly key: string;
  readonly isLong: boolean;
  /** Slots that it holds. */
  running: number;
  /** When it got its last one, counted in slots handed out; 0 before the first. */
  served: number;
  /** Told whether they got one, the oldest first. */
  readonly waiting: Set<(admitted: boolean) => void>;
}

/**
 * A fixed number of slots for which owners take turns: a slot that becomes free goes to the owner that holds the fewest,
 * and among those to the one that has waited for its turn longest. So a new request waits for one scan to end, however
 * many another has brought, and one owner alone may use every slot. Long work and short work of an owner take turns as two
 * owners do; and long work leaves one of several slots alone for as long as short work comes, which else would wait minutes
 * for a thing of milliseconds.
 */
export class Turns {
  readonly #owners = new Map<string, Owner>();
  readonly #slots: number;
  readonly #maxWaiting: number;
  readonly #overflowMs: number;
  readonly #keepMs: number;
  #taken = 0;
  #takenLong = 0;
  #waiting = 0;
  #served = 0;
  /** Runs while a slot is kept for short work. */
  #keeping: NodeJS.Timeout | undefined;

  constructor({ slots, maxWaiting, overflowMs = 5_000, keepMs = 60_000 }: TurnsOptions) {
    this.#slots = slots;
    this.#maxWaiting = maxWaiting;
    this.#overflowMs = overflowMs;
    this.#keepMs = keepMs;
  }

  /** @returns false where no room to wait came up, `maxWaitMs` are over, or it gave way to another owner's */
  async take(name: string, maxWaitMs: number, isLong = false): Promise<boolean> {
    const owner = this.#ownerOf(name, isLong);
    if (!isLong) this.#keep();
    if (this.#mayRun(owner)) return this.#admit(owner);
    const isTooMany = this.#waiting >= this.#maxWaiting && !this.#makeRoom(owner);
    const patienceMs = isTooMany ? Math.min(maxWaitMs, this.#overflowMs) : maxWaitMs;
    if (patienceMs === 0) {
      this.#forget(owner);
      return false;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    owner.waiting.add(resolve);
    this.#waiting++;
    const timer = setTimeout(() => this.#settle(owner, resolve, false), patienceMs);
    const admitted = await promise;
    clearTimeout(timer);
    this.#forget(owner);
    return admitted;
  }

  endTurn(name: string, isLong = false): void {
    const owner = this.#owners.get(keyOf(name, isLong));
    if (!owner?.running) throw new Error(`${name} holds no slot`);
    owner.running--;
    this.#taken--;
    if (isLong) this.#takenLong--;
    this.#forget(owner);
    this.#handOut();
  }

  /** A slot is handed over, not freed: nobody slips in between. */
  #handOut(): void {
    for (let next = this.#next(); next; next = this.#next()) {
      const [first] = next.waiting;
      if (!first) return;
      this.#admit(next);
      this.#settle(next, first, true);
    }
  }

  #keep(): void {
    if (this.#slots === 1) return;
    this.#keeping ??= setTimeout(() => {
      this.#keeping = undefined;
      this.#handOut();
    }, this.#keepMs).unref();
    this.#keeping.refresh();
  }

  #mayRun({ isLong }: Owner): boolean {
    if (this.#taken >= this.#slots) return false;
    return !isLong || this.#takenLong < this.#slots - (this.#keeping ? 1 : 0);
  }

  #ownerOf(name: string, isLong: boolean): Owner {
    const key = keyOf(name, isLong);
    const owner = this.#owners.get(key) ?? { key, isLong, running: 0, served: 0, waiting: new Set() };
    this.#owners.set(key, owner);
    return owner;
  }

  #admit(owner: Owner): true {
    owner.running++;
    owner.served = ++this.#served;
    this.#taken++;
    if (owner.isLong) this.#takenLong++;
    return true;
  }

  #settle(owner: Owner, resolve: (admitted: boolean) => void, admitted: boolean): void {
    if (!owner.waiting.delete(resolve)) return;
    this.#waiting--;
    resolve(admitted);
  }

  #next(): Owner | undefined {
    let next: Owner | undefined;
    for (const owner of this.#owners.values()) {
      if (owner.waiting.size === 0 || !this.#mayRun(owner)) continue;
      const sooner = next && (owner.running - next.running || owner.served - next.served) < 0;
      if (!next || sooner) next = owner;
    }
    return next;
  }

  /** Turns away what came last of the owner that waits most, unless that would only change whose turn it is. */
  #makeRoom(comer: Owner): boolean {
    let most: Owner | undefined;
    for (const owner of this.#owners.values()) {
      if (owner.waiting.size > (most?.waiting.size ?? comer.waiting.size + 1)) most = owner;
    }
    const last = most && [...most.waiting].at(-1);
    if (!most || !last) return false;
    this.#settle(most, last, false);
    return true;
  }

  #forget(owner: Owner): void {
    const idle = owner.running === 0 && owner.waiting.size === 0;
    if (idle && this.#owners.get(owner.key) === owner) this.#owners.delete(owner.key);
  }
}

function keyOf(name: string, isLong: boolean): string {
  return isLong ? `long ${name}` : name;
}
