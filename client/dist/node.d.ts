import type { FileSource } from './source.ts';
import type { UploadStore } from './upload/store.ts';
/** A file on disk, to upload. A change of size or time makes it another file. @throws where there is none */
export declare function fileSource(path: string): Promise<FileSource>;
/** Remembers uploads in a folder that only this user reads: a direct session is a bearer token for its file. */
export declare class FolderUploadStore implements UploadStore {
    #private;
    /** @param folder by default that of the XDG Base Directory Specification for state */
    constructor(folder?: string);
    get(key: string): Promise<string | undefined>;
    set(key: string, value: string): Promise<void>;
    delete(key: string): Promise<void>;
}
