import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { signedUrl } from '../../../functions/files/signed-url.ts';
import { KeySigner, type Signer } from '../../../shared/storage/signer.ts';

/** A test of https://github.com/googleapis/conformance-tests, storage/v1/v4_signatures.json, as far as it is used. */
interface Vector {
  readonly description: string;
  readonly bucket: string;
  readonly object?: string;
  readonly method: string;
  readonly expiration: number;
  readonly timestamp: string;
  readonly expectedUrl: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly queryParameters?: Readonly<Record<string, string>>;
  readonly urlStyle?: string;
  readonly expectedStringToSign: string;
}

const EMAIL = 'test-iam-credentials@dummy-project-id.iam.gserviceaccount.com';

/** `CONFORMANCE_VECTORS` names the folder of Google's vectors, which are no part of this repository. */
const folder = process.env['CONFORMANCE_VECTORS'];

function readVectors(from: string): readonly Vector[] {
  const file = join(from, 'v4_signatures.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { signingV4Tests: Vector[] }).signingV4Tests;
}

/** We sign nothing but GET, and no header but the host. */
const applies = ({ method, headers }: Vector) => method === 'GET' && headers === undefined;

describe('signed URLs', () => {
  const vectors = folder === undefined ? [] : readVectors(folder);

  it('are tested on all vectors but those with another method or with other headers', function () {
    if (folder === undefined) {
      console.warn('SKIPPED: CONFORMANCE_VECTORS does not name the folder of v4_signatures.json');
      this.skip();
    }
    const others = vectors.filter((vector) => !applies(vector));
    assert.equal(vectors.length, 29);
    assert.deepEqual(
      others.map(({ description }) => description),
      [
        'Simple PUT',
        'POST for resumable uploads',
        'Slashes in object name should not be URL encoded',
        'Simple headers',
        'Headers with colons',
        'Headers should be trimmed',
        'Header value with multiple inline values',
        'Customer-supplied encryption key',
        'Header Ordering',
        'Signed Payload Instead of UNSIGNED-PAYLOAD',
      ],
    );
  });

  for (const vector of vectors.filter(applies)) {
    it(`conform to Google's vector "${vector.description}"`, async () => {
      const { bucket, object, urlStyle, queryParameters = {}, expectedUrl } = vector;
      const origin = /^https?:\/\/[^/?]+/.exec(expectedUrl)?.[0] ?? '';
      const inPath = urlStyle === undefined ? [bucket, object] : [object];
      let stringToSign = '';
      const signer: Signer = {
        email: async () => EMAIL,
        sign: async (text) => {
          stringToSign = text;
          return Buffer.from(/X-Goog-Signature=([0-9a-f]+)$/.exec(expectedUrl)?.[1] ?? '', 'hex');
        },
      };
      const url = await signedUrl(signer, {
        origin,
        path: ['', ...inPath.filter((part) => part !== undefined)].join('/'),
        query: queryParameters,
        at: new Date(vector.timestamp),
        seconds: vector.expiration,
      });
      // It has the digest of the canonical request in it.
      assert.equal(stringToSign, vector.expectedStringToSign);
      assert.equal(url, expectedUrl);
    });
  }

  it('are signed so that the public key of the service account verifies it', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const signer = new KeySigner({ client_email: EMAIL, private_key: pem });
    const signature = await signer.sign('the string');
    assert.equal(await signer.email(), EMAIL);
    assert.ok(verify('RSA-SHA256', Buffer.from('the string'), publicKey, signature));
  });
});
