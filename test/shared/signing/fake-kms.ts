import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';

export const VERSION =
  'projects/hops/locations/europe-north1/keyRings/fileshare/cryptoKeys/verdicts/cryptoKeyVersions/1';
export const TOKEN = 'Bearer access-token';

type Answer = Readonly<Record<string, unknown>>;

/** An error as https://google.aip.dev/193 has it. */
class Refusal {
  readonly error: { readonly code: number; readonly status: string; readonly message: string };

  constructor(code: number, status: string, message: string) {
    this.error = { code, status, message };
  }
}

/**
 * Cloud KMS, as far as its reference says what it answers:
 * https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys.cryptoKeyVersions
 * It refuses whatever is not as documented there.
 */
export class FakeKms {
  readonly key: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  algorithm = 'EC_SIGN_P256_SHA256';
  state: 'ENABLED' | 'DISABLED' | 'DESTROYED' = 'ENABLED';
  /** Methods that were called, in order. */
  readonly calls: string[] = [];
  /** Changes the next answers, one after the other. */
  readonly next: ((answer: Answer) => Answer | Refusal | 'hang up')[] = [];
  /** Changes the next request on its way. */
  onTheWay: ((body: Record<string, unknown>) => void) | undefined;
  readonly #server = createServer((request, response) => {
    void this.#answer(request).then((answer) => {
      if (answer === 'hang up') {
        request.socket.destroy();
        return;
      }
      const status = answer instanceof Refusal ? answer.error.code : 200;
      response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' });
      response.end(JSON.stringify(answer));
    });
  });

  constructor() {
    this.key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    before(async () => {
      this.#server.listen(0, '127.0.0.1');
      await once(this.#server, 'listening');
    });
    after(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
    beforeEach(() => {
      this.state = 'ENABLED';
      this.algorithm = 'EC_SIGN_P256_SHA256';
      this.calls.length = 0;
      this.next.length = 0;
      this.onTheWay = undefined;
    });
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Whether a signature is of the key of the version. */
  verifies(message: Uint8Array, signature: Uint8Array): boolean {
    return verify('sha256', message, this.key.publicKey, signature);
  }

  async #answer(request: IncomingMessage): Promise<Answer | Refusal | 'hang up'> {
    let text = '';
    for await (const piece of request) text += String(piece);
    const answer = this.#documented(request, text);
    const change = this.next.shift();
    return change && !(answer instanceof Refusal) ? change(answer) : answer;
  }

  #documented({ method, url, headers }: IncomingMessage, text: string): Answer | Refusal {
    if (headers.authorization !== TOKEN) return refusal(401, 'UNAUTHENTICATED', 'no credentials');
    if (method === 'GET' && url === `/v1/${VERSION}/publicKey`) return this.#publicKey(text);
    if (method === 'POST' && url === `/v1/${VERSION}:asymmetricSign`) return this.#sign(text);
    return refusal(404, 'NOT_FOUND', `CryptoKeyVersion ${url} not found.`);
  }

  #publicKey(text: string): Answer | Refusal {
    this.calls.push('getPublicKey');
    if (text !== '') return refusal(400, 'INVALID_ARGUMENT', 'The request body must be empty.');
    if (this.state !== 'ENABLED') return this.#notEnabled();
    const pem = this.key.publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const pemCrc32c = String(crc32c(pem));
    return { pem, algorithm: this.algorithm, pemCrc32c, name: VERSION, protectionLevel: 'SOFTWARE' };
  }

  #sign(text: string): Answer | Refusal {
    this.calls.push('asymmetricSign');
    if (this.state !== 'ENABLED') return this.#notEnabled();
    const body = JSON.parse(text) as Record<string, unknown>;
    this.onTheWay?.(body);
    this.onTheWay = undefined;
    const { digest, digestCrc32c, ...others } = body;
    const { sha256, ...otherDigests } = (digest ?? {}) as Record<string, unknown>;
    const bytes = Buffer.from(String(sha256), 'base64');
    if (Object.keys(others).length + Object.keys(otherDigests).length > 0 || bytes.length !== 32)
      return refusal(400, 'INVALID_ARGUMENT', 'digest should be a SHA-256.');
    if (digestCrc32c !== undefined && digestCrc32c !== String(crc32c(bytes)))
      return refusal(400, 'INVALID_ARGUMENT', 'digest_crc32c did not match.');
    const signature = signDigest(bytes, this.key.privateKey);
    return {
      signature: signature.toString('base64'),
      signatureCrc32c: String(crc32c(signature)),
      verifiedDigestCrc32c: digestCrc32c !== undefined,
      name: VERSION,
      protectionLevel: 'SOFTWARE',
    };
  }

  #notEnabled(): Refusal {
    const message = `${VERSION} is not enabled, current state is: ${this.state}.`;
    return refusal(400, 'FAILED_PRECONDITION', message);
  }
}

export function refusal(code: number, status: string, message = status): Refusal {
  return new Refusal(code, status, message);
}

/** A digest that is there already: Node would take another digest of it. */
function signDigest(digest: Uint8Array, key: KeyObject): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'fileshare-kms-'));
  try {
    writeFileSync(join(folder, 'key.pem'), key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const args = ['pkeyutl', '-sign', '-inkey', 'key.pem'];
    const { status, stdout, stderr } = spawnSync('openssl', args, { cwd: folder, input: digest });
    if (status !== 0) throw new Error(`openssl: ${String(stderr)}`);
    return stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
