import type { Session } from './session.ts';

/** Time in which a deletion can be undone; ms. */
export const UNDO_MS = 10_000;

const waiting = new Set<Deletion>();
addEventListener('pagehide', () => {
  for (const deletion of waiting) deletion.leave();
});

/** A deletion that is sent when its time is over. Nothing is lost if it never is: the file stays. */
export class Deletion {
  /** Can no longer be undone. */
  isSent = false;
  readonly #send: () => void;
  readonly #left: () => void;
  readonly #url: string;
  readonly #timer: ReturnType<typeof setTimeout>;
  /** Kept, since nothing can be waited for while the page is left. */
  #token: string | undefined;

  /**
   * @param send deletes the file, once the time is over
   * @param left is told where the page is back after it was left, and sent the request then
   */
  constructor(
    session: Session,
    id: string,
    { send, left }: { readonly send: () => void; readonly left: () => void },
  ) {
    this.#send = send;
    this.#left = left;
    this.#url = `${session.addresses.filesUrl.replace(/\/+$/, '')}/files/${encodeURIComponent(id)}`;
    this.#timer = setTimeout(() => this.now(), UNDO_MS);
    waiting.add(this);
    session.token().then(
      (token) => {
        this.#token = token;
      },
      () => undefined,
    );
  }

  cancel(): void {
    clearTimeout(this.#timer);
    waiting.delete(this);
  }

  /** Sends it before its time. */
  now(): void {
    if (this.isSent) return;
    this.cancel();
    this.isSent = true;
    this.#send();
  }

  /** Sends it in a request that outlives the page. */
  leave(): void {
    if (this.#token === undefined) return;
    this.cancel();
    this.isSent = true;
    const headers = { authorization: `Bearer ${this.#token}` };
    fetch(this.#url, { method: 'DELETE', headers, keepalive: true }).then(this.#left, this.#left);
  }
}
