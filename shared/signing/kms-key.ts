import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import { StorageError } from '../storage/error.ts';
import { DEFAULT_RETRY, type RetryPolicy, retrying } from '../storage/retry.ts';
import type { SigningKey } from './signer.ts';

const ALGORITHM = 'EC_SIGN_P256_SHA256';

/** Sends one request to Cloud KMS, with credentials; what fails is a {@link StorageError}. */
export interface KmsTransport {
  json(call: {
    readonly operation: string;
    readonly method: 'GET' | 'POST';
    readonly url: string;
    readonly body?: { readonly json: unknown };
    readonly timeoutMs: number;
    readonly signal?: AbortSignal | undefined;
  }): Promise<{ readonly body: unknown }>;
}

export interface KmsOptions {
  readonly transport: KmsTransport;
  /** `projects/…/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/N`, with the id of the project. */
  readonly version: string;
  /** Milliseconds for one request. */
  readonly timeoutMs: number;
  readonly retry?: RetryPolicy;
}

type Members = Readonly<Record<string, unknown>>;

/**
 * A key version of Cloud KMS. Every answer is checked as https://cloud.google.com/kms/docs/data-integrity-guidelines
 * asks for, and what arrived damaged is asked for again:
 * https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys.cryptoKeyVersions/asymmetricSign
 */
export class KmsKey implements SigningKey {
  readonly #options: KmsOptions;
  #publicKey: Promise<KeyObject> | undefined;

  constructor(options: KmsOptions) {
    this.#options = options;
  }

  /** Asked for once; a version never has another. @throws {StorageError} */
  publicKey(): Promise<KeyObject> {
    this.#publicKey ??= this.#getPublicKey().catch((error: unknown) => {
      this.#publicKey = undefined;
      throw error;
    });
    return this.#publicKey;
  }

  async sign(message: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    const digest = createHash('sha256').update(message).digest();
    const json = { digest: { sha256: digest.toString('base64') }, digestCrc32c: String(crc32c(digest)) };
    return this.#retrying(signal, async () => {
      const answer = await this.#ask('asymmetricSign', {
        method: 'POST',
        path: ':asymmetricSign',
        json,
        signal,
      });
      const signature = Buffer.from(textOf(answer['signature']), 'base64');
      if (answer['verifiedDigestCrc32c'] !== true)
        throw damaged('asymmetricSign', 'the digest was not verified');
      if (!fits(signature, answer['signatureCrc32c']))
        throw damaged('asymmetricSign', 'signatureCrc32c differs');
      return signature;
    });
  }

  async #getPublicKey(): Promise<KeyObject> {
    const { pem, algorithm } = await this.#retrying(undefined, async () => {
      const answer = await this.#ask('getPublicKey', { method: 'GET', path: '/publicKey' });
      const text = textOf(answer['pem']);
      if (!fits(Buffer.from(text), answer['pemCrc32c'])) throw damaged('getPublicKey', 'pemCrc32c differs');
      return { pem: text, algorithm: answer['algorithm'] };
    });
    if (algorithm !== ALGORITHM)
      throw new Error(`VERDICT_KEY is of ${String(algorithm)}, not of ${ALGORITHM}`);
    return createPublicKey(pem);
  }

  async #ask(
    method: 'asymmetricSign' | 'getPublicKey',
    call: { method: 'GET' | 'POST'; path: string; json?: unknown; signal?: AbortSignal | undefined },
  ): Promise<Members> {
    const { transport, version, timeoutMs } = this.#options;
    const { body } = await transport
      .json({
        operation: `kms.${method}`,
        method: call.method,
        url: `/v1/${version}${call.path}`,
        ...(call.json !== undefined && { body: { json: call.json } }),
        timeoutMs,
        signal: call.signal,
      })
      .catch((error: unknown) => {
        // All that a request of ours can be refused for as invalid is a checksum that does not fit what arrived.
        const isRefused = error instanceof StorageError && error.reason === 'INVALID_ARGUMENT';
        throw isRefused ? damaged(method, error.message) : error;
      });
    const answer = (body ?? {}) as Members;
    if (answer['name'] !== version) throw damaged(method, `the answer is of ${String(answer['name'])}`);
    return answer;
  }

  #retrying<T>(signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
    return retrying(this.#options.retry ?? DEFAULT_RETRY, signal, attempt);
  }
}

/** A fault of the moment: it is tried again. */
function damaged(method: string, message: string): StorageError {
  return new StorageError(`kms.${method}`, { status: 0, reason: 'damaged', message });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** An int64 is a string in JSON. Nothing has a checksum that is absent. */
function fits(bytes: Uint8Array, checksum: unknown): boolean {
  return bytes.length > 0 && textOf(checksum) === String(crc32c(bytes));
}
