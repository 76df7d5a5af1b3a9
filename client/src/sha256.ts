import { sha256 as portable } from '@noble/hashes/sha2.js';

/** A SHA-256 that takes its input in pieces, which WebCrypto's does not. */
export interface RunningHash {
  update(bytes: Uint8Array): void;
  /** Ends it. */
  digest(): Uint8Array;
}

/** Node's own where there is one, ten times as fast; a bundler for browsers sees no import of it. */
export function runningSha256(): RunningHash {
  const crypto = globalThis.process?.getBuiltinModule?.('node:crypto');
  if (!crypto) return portable.create();
  const hash = crypto.createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A header with one digest, as RFC 9530 has it. */
export function digestField(sha256: Uint8Array): string {
  return `sha-256=:${btoa(String.fromCharCode(...sha256))}:`;
}

/** The SHA-256 that Repr-Digest (RFC 9530) tells, in hex; undefined where it tells none. */
export function sha256In(field: string | null): string | undefined {
  const [, base64] = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(field ?? '') ?? [];
  return base64 && hex(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
}
