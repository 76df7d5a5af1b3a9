interface Owner {
  /** Slots that it holds. */
  running: number;
  /** When it got its last one, counted in slots handed out; 0 before the first. */
  served: number;
  /** Told whether they got one, the oldest first. */
  readonly waiting: Set<(admitted: boolean) => void>;
}

/**
 * A fixed number of slots for which owners take turns: a slot that becomes free goes to the owner that holds the fewest,
 * and among those to the one that has waited for its turn longest. So whoever comes waits for one scan to end, however
 * many another has brought, and one owner alone may use every slot.
 */
export class Turns {
  readonly #owners = new Map<string, Owner>();
  readonly #slots: number;
  readonly #maxWaiting: number;
  #taken = 0;
  #waiting = 0;
  #served = 0;

  /** @param maxWaiting how many may wait for a slot; beyond that, those of the owner with the most of them give way */
  constructor(slots: number, maxWaiting: number) {
    this.#slots = slots;
    this.#maxWaiting = maxWaiting;
  }

  /** @returns false where there is no room to wait, `maxWaitMs` are over, or it gave way to another owner's */
  async take(name: string, maxWaitMs: number): Promise<boolean> {
    const owner = this.#owners.get(name) ?? { running: 0, served: 0, waiting: new Set() };
    this.#owners.set(name, owner);
    if (this.#taken < this.#slots) return this.#admit(owner);
    if (this.#waiting >= this.#maxWaiting && !this.#makeRoom(owner)) {
      this.#forget(name, owner);
      return false;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    owner.waiting.add(resolve);
    this.#waiting++;
    const timer = setTimeout(() => this.#settle(owner, resolve, false), maxWaitMs);
    const admitted = await promise;
    clearTimeout(timer);
    this.#forget(name, owner);
    return admitted;
  }

  /** The slot is handed over, not freed: nobody slips in between. */
  giveBack(name: string): void {
    const owner = this.#owners.get(name);
    if (!owner) throw new Error(`${name} holds no slot`);
    owner.running--;
    this.#taken--;
    this.#forget(name, owner);
    const next = this.#next();
    const [first] = next?.waiting ?? [];
    if (!next || !first) return;
    this.#admit(next);
    this.#settle(next, first, true);
  }

  #admit(owner: Owner): true {
    owner.running++;
    owner.served = ++this.#served;
    this.#taken++;
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
      if (owner.waiting.size === 0) continue;
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

  #forget(name: string, owner: Owner): void {
    const idle = owner.running === 0 && owner.waiting.size === 0;
    if (idle && this.#owners.get(name) === owner) this.#owners.delete(name);
  }
}
