/**
 * A chunk of a stream, valid only until the next one is requested: its source may then {@link detach} or overwrite it.
 * Copy it to keep it, or to hand it to code that requests the next one early, as a Node.js stream does.
 */
export type BorrowedBytes = Uint8Array;

/**
 * Gives the memory of bytes back at once. The network hands out up to 64 KiB each time, outside of V8's heap:
 * left to the garbage collector, V8 marks its whole heap for every 16 MiB of it (docs/adr/0023).
 *
 * Only for who owns the bytes, and once nothing reads them any more; a write is over when its callback says so. They
 * are empty afterwards. Bytes that are a part of a larger buffer are left alone: others have the rest.
 */
export function detach({ buffer, byteLength }: Uint8Array): void {
  if (byteLength > 0 && buffer.byteLength === byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
