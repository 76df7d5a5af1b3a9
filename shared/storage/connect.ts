import { applicationDefault } from './credentials.ts';
import { IamSigner, KeySigner, type Signer } from './signer.ts';
import { Transport } from './transport.ts';

const GOOGLE = 'https://storage.googleapis.com';
const IAM = 'https://iamcredentials.googleapis.com';
const STORAGE_SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';
const IAM_SCOPE = 'https://www.googleapis.com/auth/iam';
const KMS = 'https://cloudkms.googleapis.com';
const KMS_SCOPE = 'https://www.googleapis.com/auth/cloudkms';

/**
 * The endpoint and the credentials of Cloud Storage. `STORAGE_EMULATOR_HOST` (with or without a scheme) means
 * the same as in Google's clients: that endpoint, without credentials.
 * @param emulatorCredentials whether the emulator gets credentials as Cloud Storage does
 */
export function connectStorage(emulatorHost: string | undefined, emulatorCredentials = false): Transport {
  const origin = storageOrigin(emulatorHost);
  const anonymous = emulatorHost && !emulatorCredentials;
  return anonymous ? new Transport(origin) : new Transport(origin, applicationDefault(STORAGE_SCOPE));
}

/** Scheme and host of Cloud Storage, for {@link connectStorage} and for signed URLs alike. */
export function storageOrigin(emulatorHost: string | undefined): string {
  if (!emulatorHost) return GOOGLE;
  return /^https?:\/\//.test(emulatorHost) ? emulatorHost : `http://${emulatorHost}`;
}

/** The endpoint and the credentials of Cloud KMS. */
export function connectKms(): Transport {
  return new Transport(KMS, applicationDefault(KMS_SCOPE));
}

/**
 * The signer of URLs: the given key, else IAM in the name of `email`, else of the service account that we run as.
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

/** Asks the metadata server, or reads the key file that application default credentials name. */
async function ownEmail(): Promise<string> {
  const { GoogleAuth } = await import('google-auth-library');
  const { client_email: email } = await new GoogleAuth().getCredentials();
  if (email) return email;
  throw new Error('these credentials name no service account');
}
