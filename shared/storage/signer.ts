import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import * as v from 'valibot';
import { StorageError } from './error.ts';
import { DEFAULT_RETRY, type RetryPolicy, retrying } from './retry.ts';
import { type Authorize, Transport } from './transport.ts';

/** A service account that signs. */
export interface Signer {
  email(): Promise<string>;
  /** RSASSA-PKCS1-v1_5 with SHA-256. */
  sign(text: string): Promise<Uint8Array>;
}

/** The fields that we need of a service account's key file; others are left alone. */
export const signingKeySchema = v.object({
  client_email: v.pipe(v.string(), v.minLength(1)),
  private_key: v.pipe(v.string(), v.check(isPrivateKey, 'should be a private key in PEM')),
});

/** Signs with a local key, for environments without IAM. */
export class KeySigner implements Signer {
  readonly #email: string;
  readonly #key: KeyObject;

  constructor(key: v.InferOutput<typeof signingKeySchema>) {
    this.#email = key.client_email;
    this.#key = createPrivateKey(key.private_key);
  }

  async email(): Promise<string> {
    return this.#email;
  }

  async sign(text: string): Promise<Uint8Array> {
    return sign('RSA-SHA256', Buffer.from(text), this.#key);
  }
}

export interface IamOptions {
  /** Such as `https://iamcredentials.googleapis.com`. */
  readonly endpoint: string;
  readonly authorize: Authorize;
  /** The account that signs; it grants the caller `iam.serviceAccounts.signBlob` on itself. */
  readonly email: () => Promise<string>;
  readonly timeoutMs: number;
  readonly retry?: RetryPolicy;
}

/**
 * Signs with a Google-managed key, through IAM's Service Account Credentials API:
 * https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/signBlob
 */
export class IamSigner implements Signer {
  readonly #transport: Transport;
  readonly #options: IamOptions;
  #email: Promise<string> | undefined;

  constructor(options: IamOptions) {
    this.#options = options;
    this.#transport = new Transport(options.endpoint, options.authorize);
  }

  async email(): Promise<string> {
    this.#email ??= this.#options.email();
    try {
      return await this.#email;
    } catch (cause) {
      this.#email = undefined;
      throw new StorageError('iam.email', { status: 0, reason: 'noServiceAccount' }, { cause });
    }
  }

  /** @throws {StorageError} */
  async sign(text: string): Promise<Uint8Array> {
    const { retry = DEFAULT_RETRY, timeoutMs } = this.#options;
    const account = encodeURIComponent(await this.email());
    const { body } = await retrying(retry, undefined, () =>
      this.#transport.json({
        operation: 'iam.signBlob',
        method: 'POST',
        url: `/v1/projects/-/serviceAccounts/${account}:signBlob`,
        body: { json: { payload: Buffer.from(text).toString('base64') } },
        timeoutMs,
      }),
    );
    const { signedBlob } = (body ?? {}) as { signedBlob?: unknown };
    if (typeof signedBlob === 'string' && signedBlob !== '') return Buffer.from(signedBlob, 'base64');
    throw new StorageError('iam.signBlob', {
      status: 0,
      reason: 'malformedAnswer',
      message: 'no signedBlob',
    });
  }
}

function isPrivateKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}
