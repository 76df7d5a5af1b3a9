import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SigningKey } from './signer.ts';

/** A key in a file, for one machine: a deployment has its key in Cloud KMS, where nobody can copy it. */
export class FileKey implements SigningKey {
  readonly #key: KeyObject;

  /** @param path of a private key on P-256 in PEM @throws where there is none */
  constructor(path: string) {
    this.#key = createPrivateKey(readFileSync(path));
    if (this.#key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('not a key on P-256');
  }

  async publicKey(): Promise<KeyObject> {
    return createPublicKey(this.#key);
  }

  async sign(message: Uint8Array): Promise<Uint8Array> {
    return sign('sha256', message, this.#key);
  }
}
