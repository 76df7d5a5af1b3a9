import { IamSigner, KeySigner, type Signer } from './signer.ts';
import { type Authorize, Transport } from './transport.ts';

const GOOGLE = 'https://storage.googleapis.com';
const IAM = 'https://iamcredentials.googleapis.com';
const STORAGE_SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';
const IAM_SCOPE = 'https://www.googleapis.com/auth/iam';

/**
 * The endpoint and the credentials of Cloud Storage. `STORAGE_EMULATOR_HOST` (with or without a scheme) means
 * the same as in Google's clients: that endpoint, without credentials.
 */
export function connectStorage(emulatorHost: string | undefined): Transport {
  const origin = storageOrigin(emulatorHost);
  return emulatorHost ? new Transport(origin) : new Transport(origin, applicationDefault(STORAGE_SCOPE));
}

/** Scheme and host of Cloud Storage, for {@link connectStorage} and for signed URLs alike. */
export function storageOrigin(emulatorHost: string | undefined): string {
  if (!emulatorHost) return GOOGLE;
  return /^https?:\/\//.test(emulatorHost) ? emulatorHost : `http://${emulatorHost}`;
}

/**
 * Who signs URLs: the given key, else IAM in the name of `email`, else of the service account that we run as.
 * @param timeoutMs milliseconds for one request to IAM
 */
export function connectSigner(options: {
  readonly key?: ConstructorParameters<typeof KeySigner>[0] | undefined;
  readonly email?: string | undefined;
  readonly timeoutMs: number;
}): Signer {
  const { key, email, timeoutMs } = options;
  if (key) return new KeySigner(key);
  return new IamSigner({
    endpoint: IAM,
    authorize: applicationDefault(IAM_SCOPE),
    email: async () => email ?? ownEmail(),
    timeoutMs,
  });
}

/** From the metadata server, or from the key file that application default credentials name. */
async function ownEmail(): Promise<string> {
  const { GoogleAuth } = await import('google-auth-library');
  const { client_email: email } = await new GoogleAuth().getCredentials();
  if (email) return email;
  throw new Error('these credentials name no service account');
}

/** https://cloud.google.com/docs/authentication/application-default-credentials; tokens are kept until near their end. */
function applicationDefault(scope: string): Authorize {
  // Loaded when first used: an emulator needs none of it, and it is a third of a cold start.
  let client: Promise<{ getRequestHeaders(): Promise<Headers> }> | undefined;
  return async () => {
    client ??= import('google-auth-library').then(({ GoogleAuth }) =>
      new GoogleAuth({ scopes: [scope] }).getClient(),
    );
    try {
      return await (await client).getRequestHeaders();
    } catch (error) {
      client = undefined;
      throw error;
    }
  };
}
