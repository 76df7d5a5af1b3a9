import { FileshareConnectionError, type Handle, type UploadProgress } from '../../../../client/src/index.ts';
import { Lanes } from './lanes.ts';
import { isPassing, REST_MS } from './passing.ts';
import type { Session } from './session.ts';
import { slowly } from './slowly.ts';
import { saying } from './words.ts';

const lanes = new Lanes(2);

export type TransferState =
  | { readonly kind: 'queued' | 'paused' }
  | { readonly kind: 'sending'; readonly bytesPerSecond: number | undefined }
  | { readonly kind: 'interrupted' | 'refused'; readonly why: string }
  | { readonly kind: 'sent'; readonly handle: Handle };

/** When an upload took place, as this page saw it; ms. */
export interface Uploaded {
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Time in which bytes went out; pauses are not counted. */
  readonly activeMs: number;
  readonly pausedMs: number;
  /** Bytes that were there before: what they took is not known. */
  readonly from: number;
}

/** Compares uploads, small ones first. */
export function bySize(one: Transfer, other: Transfer): number {
  return one.file.size - other.file.size;
}

/** The upload of one file, which can be paused. */
export class Transfer {
  readonly file: File;
  readonly session: Session;
  state: TransferState = { kind: 'queued' };
  progress: UploadProgress;
  readonly #slow: boolean;
  readonly #changed: () => void;
  #controller = new AbortController();
  #again: ReturnType<typeof setTimeout> | undefined;
  #startedAt: number | undefined;
  #activeMs = 0;
  #activeSince = 0;
  #endedAt = 0;
  #from = 0;

  constructor(file: File, session: Session, slow: boolean, changed: () => void) {
    this.file = file;
    this.session = session;
    this.#slow = slow;
    this.#changed = changed;
    this.progress = { sent: 0, size: file.size, resumedFrom: 0 };
  }

  /** Undefined while nothing of it has gone out. */
  get uploaded(): Uploaded | undefined {
    const [startedAt, activeMs] = [this.#startedAt, this.#activeMs];
    if (startedAt === undefined) return undefined;
    return {
      startedAt,
      activeMs,
      pausedMs: Math.max(0, this.#endedAt - startedAt - activeMs),
      from: this.#from,
    };
  }

  /** Begins, or goes on. */
  async start(): Promise<void> {
    clearTimeout(this.#again);
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#become({ kind: 'queued' });
    try {
      const handle = await lanes.run(signal, () => this.#send(signal), this.file.size);
      this.#become({ kind: 'sent', handle });
    } catch (error) {
      if (signal.aborted) return this.#become({ kind: 'paused' });
      if (!isPassing(error)) return this.#become({ kind: 'refused', why: saying(error) });
      this.#again = setTimeout(() => void this.start(), REST_MS);
      const isAway = error instanceof FileshareConnectionError;
      const cause = isAway
        ? 'The service cannot be reached.'
        : `The service takes no uploads now: ${saying(error)}.`;
      this.#become({
        kind: 'interrupted',
        why: `${cause} The upload resumes when it is back; uploaded bytes are kept.`,
      });
    }
  }

  pause(): void {
    clearTimeout(this.#again);
    this.#controller.abort(new DOMException('Paused.', 'AbortError'));
  }

  async #send(signal: AbortSignal): Promise<Handle> {
    this.#startedAt ??= Date.now();
    this.#activeSince = Date.now();
    this.#become({ kind: 'sending', bytesPerSecond: undefined });
    const onProgress = (progress: UploadProgress) => this.#sent(progress);
    const { fileshare, slow } = this.session;
    try {
      if (this.#slow) return await slow.upload(slowly(this.file), { signal, onProgress });
      return await fileshare.upload(this.file, { signal, onProgress });
    } finally {
      this.#endedAt = Date.now();
      this.#activeMs += this.#endedAt - this.#activeSince;
    }
  }

  #sent(progress: UploadProgress): void {
    // In its first attempt, so that it was begun before this page was.
    if (this.#activeMs === 0) this.#from = progress.resumedFrom;
    this.progress = progress;
    const seconds = (Date.now() - this.#activeSince) / 1000;
    const sent = progress.sent - progress.resumedFrom;
    this.#become({ kind: 'sending', bytesPerSecond: seconds > 0.2 ? sent / seconds : undefined });
  }

  #become(state: TransferState): void {
    this.state = state;
    this.#changed();
  }
}
