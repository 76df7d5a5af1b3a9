/** Aborts its signal when nothing has happened for a while, or when the caller's signal does. */
export class Idle {
    signal;
    #controller = new AbortController();
    #ms;
    #timer;
    constructor(ms, outer) {
        outer?.throwIfAborted();
        const own = this.#controller.signal;
        this.signal = outer ? AbortSignal.any([own, outer]) : own;
        this.#ms = ms;
        this.reset();
    }
    /** Says that something happened. */
    reset() {
        clearTimeout(this.#timer);
        const late = () => new Error(`nothing happened for ${this.#ms / 1000} s`);
        this.#timer = setTimeout(() => this.#controller.abort(late()), this.#ms);
    }
    /** Watches no longer; the signal still follows the caller's. */
    end() {
        clearTimeout(this.#timer);
    }
}
