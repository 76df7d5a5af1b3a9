/** @throws {TypeError} where it is none */
export function openSource(source) {
    if (source instanceof Blob)
        return ofBlob(source);
    if (source instanceof ArrayBuffer)
        return ofBytes(new Uint8Array(source));
    if (source instanceof Uint8Array)
        return ofBytes(source);
    if ('getReader' in source)
        return { size: undefined, open: () => pieces(source) };
    // Before `open`, which Node's file streams have too.
    if (Symbol.asyncIterator in source)
        return { size: undefined, open: () => source };
    if ('open' in source)
        return source;
    throw new TypeError('Upload a Blob, bytes, a stream, or in Node what fileSource(path) gives.');
}
function ofBlob(blob) {
    const { size, type } = blob;
    const { name, lastModified } = blob;
    return {
        size,
        ...(type && { type }),
        ...(name !== undefined && { name, fingerprint: [name, size, lastModified].join('/') }),
        open: () => pieces(blob.stream()),
    };
}
function ofBytes(bytes) {
    return {
        size: bytes.length,
        async *open() {
            yield bytes;
        },
    };
}
/** Not every browser iterates over streams. */
async function* pieces(stream) {
    const reader = stream.getReader();
    try {
        for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
            if (value)
                yield value;
        }
    }
    finally {
        await reader.cancel().catch(() => undefined);
    }
}
/** Reads a stream of pieces of any size in chunks of the size that is asked for. */
export class ChunkReader {
    #pieces;
    #rest = new Uint8Array(0);
    #ended = false;
    constructor(pieces) {
        this.#pieces = pieces[Symbol.asyncIterator]();
    }
    /** The next `size` bytes, or those that are left. */
    async read(size) {
        const bytes = new Uint8Array(size);
        let filled = 0;
        while (filled < size && (await this.#more())) {
            const piece = this.#rest.subarray(0, size - filled);
            bytes.set(piece, filled);
            filled += piece.length;
            this.#rest = this.#rest.subarray(piece.length);
        }
        const last = !(await this.#more());
        return { bytes: filled === size ? bytes : bytes.slice(0, filled), last };
    }
    /** Lets go of the source. */
    async close() {
        if (!this.#ended)
            await this.#pieces.return?.();
    }
    async #more() {
        while (this.#rest.length === 0 && !this.#ended) {
            const { done = false, value } = await this.#pieces.next();
            this.#ended = done;
            if (!done)
                this.#rest = typeof value === 'string' ? new TextEncoder().encode(value) : value;
        }
        return this.#rest.length > 0;
    }
}
