/** The part of clamdjs 1.0.2 that is used here; the package has no types. */
declare module 'clamdjs' {
  import type { Readable } from 'node:stream';

  interface Scanner {
    /**
     * INSTREAM. Resolves with the raw reply if the connection ended after the stream did; every other order of
     * events rejects, or never settles. `timeout` is one deadline in milliseconds up to the first byte of the
     * reply: 0 fails at once, `Infinity` throws.
     */
    scanStream(stream: Readable, timeout: number): Promise<string>;
  }

  export function createScanner(host: string, port: number): Scanner;
  /** zPING. `timeout` has no effect: a silent server leaves the promise pending. */
  export function ping(host: string, port: number, timeout: number): Promise<boolean>;
  /** zVERSION. `timeout` has no effect: a silent server leaves the promise pending. */
  export function version(host: string, port: number, timeout: number): Promise<string>;
  /** Whether the reply contains `OK` and not `FOUND`: not to be used. */
  export function isCleanReply(reply: string): boolean;
}
