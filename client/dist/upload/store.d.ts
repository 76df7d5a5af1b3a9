/** Where uploads that are under way are remembered, so that they go on after a restart: strings under strings. */
export interface UploadStore {
    get(key: string): Promise<string | undefined> | string | undefined;
    set(key: string, value: string): Promise<void> | void;
    delete(key: string): Promise<void> | void;
}
/** An upload that is under way. The URL of a direct session is a bearer token for this one file. */
export interface SavedUpload {
    readonly via: 'tus' | 'direct';
    readonly id: string;
    readonly url: string;
    readonly size: number;
}
/** What is used of https://html.spec.whatwg.org/multipage/webstorage.html. */
interface WebStorage {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
}
/** Remembers uploads in a browser's localStorage; what it has no room for is not remembered. */
export declare class WebUploadStore implements UploadStore {
    #private;
    constructor(storage: WebStorage);
    get(key: string): string | undefined;
    set(key: string, value: string): void;
    delete(key: string): void;
}
/** The store of a browser; none elsewhere. Node warns who merely looks at its own localStorage. */
export declare function defaultStore(): UploadStore | undefined;
/** @returns undefined where it is nothing that we wrote */
export declare function parseSaved(text: string | undefined): SavedUpload | undefined;
export {};
