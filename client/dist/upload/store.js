const PREFIX = 'hops-fileshare:upload:';
/** Remembers uploads in a browser's localStorage; what it has no room for is not remembered. */
export class WebUploadStore {
    #storage;
    constructor(storage) {
        this.#storage = storage;
    }
    get(key) {
        return this.#storage.getItem(PREFIX + key) ?? undefined;
    }
    set(key, value) {
        try {
            this.#storage.setItem(PREFIX + key, value);
        }
        catch {
            // A full or forbidden storage is no reason to refuse the upload.
        }
    }
    delete(key) {
        this.#storage.removeItem(PREFIX + key);
    }
}
/** The store of a browser; none elsewhere. Node warns who merely looks at its own localStorage. */
export function defaultStore() {
    const page = globalThis;
    try {
        return page.window?.localStorage && new WebUploadStore(page.window.localStorage);
    }
    catch {
        return undefined;
    }
}
/** @returns undefined where it is nothing that we wrote */
export function parseSaved(text) {
    try {
        const { via, id, url, size } = JSON.parse(text ?? 'null');
        if (via !== 'tus' && via !== 'direct')
            return undefined;
        if (typeof id !== 'string' || typeof url !== 'string' || typeof size !== 'number')
            return undefined;
        return { via, id, url, size };
    }
    catch {
        return undefined;
    }
}
