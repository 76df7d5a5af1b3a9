import { type Authorize, Transport } from './transport.ts';

const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';

/**
 * The endpoint and the credentials of Cloud Storage. `STORAGE_EMULATOR_HOST` (with or without a scheme) means
 * the same as in Google's clients: that endpoint, without credentials.
 */
export function connectStorage(emulatorHost: string | undefined): Transport {
  if (!emulatorHost) return new Transport('https://storage.googleapis.com', applicationDefault());
  return new Transport(/^https?:\/\//.test(emulatorHost) ? emulatorHost : `http://${emulatorHost}`);
}

/** https://cloud.google.com/docs/authentication/application-default-credentials; tokens are kept until near their end. */
function applicationDefault(): Authorize {
  // Loaded when first used: an emulator needs none of it, and it is a third of a cold start.
  let client: Promise<{ getRequestHeaders(): Promise<Headers> }> | undefined;
  return async () => {
    client ??= import('google-auth-library').then(({ GoogleAuth }) =>
      new GoogleAuth({ scopes: [SCOPE] }).getClient(),
    );
    try {
      return await (await client).getRequestHeaders();
    } catch (error) {
      client = undefined;
      throw error;
    }
  };
}
