/** How soon a request gives way: not at all, once nothing arrives, or now. */
type Urgency = 'no' | 'whenSilent' | 'now';

/** Tells a request that reads a body that a successor has arrived. */
export class GiveWay {
  #urgency: Urgency = 'no';
  #changed: () => void = () => undefined;
  #ended = false;

  /** Whether nothing is read any more, so that what arrived is being stored. */
  get ended(): boolean {
    return this.#ended;
  }

  end(): void {
    this.#ended = true;
  }

  get urgency(): Urgency {
    return this.#urgency;
  }

  /** @param changed is told of the next changes, in place of the one before it */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  set(urgency: Urgency): void {
    this.#urgency = urgency;
    this.#changed();
  }
}
