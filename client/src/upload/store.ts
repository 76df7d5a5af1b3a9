/** Where uploads that are under way are remembered, so that they go on after a restart: strings under strings. */
export interface UploadStore {
  get(key: string): Promise<string | undefined> | string | undefined;
  set(key: string, value: string): Promise<void> | void;
  delete(key: string): Promise<void> | void;
}

/** An upload that is under way. The URL of a direct session is a bearer token for this one file. */
export interface SavedUpload {
  readonly via: 'tus' | 'direct' | 'parallel';
  /** Empty where it is in parallel: there is no file yet. */
  readonly id: string;
  /** The paths of all parts, in order, with a space between, where it is in parallel. */
  readonly url: string;
  readonly size: number;
}

const PREFIX = 'hops-fileshare:upload:';

/** The used part of https://html.spec.whatwg.org/multipage/webstorage.html. */
interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Remembers uploads in a browser's localStorage; what it has no room for is not remembered. */
export class WebUploadStore implements UploadStore {
  readonly #storage: WebStorage;

  constructor(storage: WebStorage) {
    this.#storage = storage;
  }

  get(key: string): string | undefined {
    return this.#storage.getItem(PREFIX + key) ?? undefined;
  }

  set(key: string, value: string): void {
    try {
      this.#storage.setItem(PREFIX + key, value);
    } catch {
      // A full or forbidden storage is no reason to refuse the upload.
    }
  }

  delete(key: string): void {
    this.#storage.removeItem(PREFIX + key);
  }
}

/** The store of a browser; none elsewhere. Node warns who merely looks at its own localStorage. */
export function defaultStore(): UploadStore | undefined {
  const page = globalThis as { window?: { localStorage?: WebStorage } };
  try {
    return page.window?.localStorage && new WebUploadStore(page.window.localStorage);
  } catch {
    return undefined;
  }
}

/** @returns undefined where it is nothing that we wrote */
export function parseSaved(text: string | undefined): SavedUpload | undefined {
  try {
    const { via, id, url, size } = JSON.parse(text ?? 'null') as Partial<SavedUpload>;
    if (via !== 'tus' && via !== 'direct' && via !== 'parallel') return undefined;
    if (typeof id !== 'string' || typeof url !== 'string' || typeof size !== 'number') return undefined;
    return { via, id, url, size };
  } catch {
    return undefined;
  }
}
