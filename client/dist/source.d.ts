/** A content that can be read from its beginning again, as a file can. */
export interface FileSource {
    /** Bytes. */
    readonly size: number;
    readonly name?: string | undefined;
    readonly type?: string | undefined;
    /** Says that it is the same content as another time, such as path, size and time of change; allows resuming. */
    readonly fingerprint?: string | undefined;
    open(): AsyncIterable<Uint8Array>;
}
/** What can be uploaded. A stream is read once: what breaks is sent again from memory, a chunk at most. */
export type UploadSource = Blob | Uint8Array | ArrayBuffer | FileSource | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;
/** A source of any kind; the size of a stream is not known. */
export type Opened = Omit<FileSource, 'size'> & {
    readonly size: number | undefined;
};
/** @throws {TypeError} where it is none */
export declare function openSource(source: UploadSource): Opened;
export interface Chunk {
    readonly bytes: Uint8Array<ArrayBuffer>;
    /** Whether nothing comes after it. */
    readonly last: boolean;
}
/** Reads a stream of pieces of any size in chunks of the size that is asked for. */
export declare class ChunkReader {
    #private;
    constructor(pieces: AsyncIterable<Uint8Array>);
    /** The next `size` bytes, or those that are left. */
    read(size: number): Promise<Chunk>;
    /** Lets go of the source. */
    close(): Promise<void>;
}
