import type { Authorize } from './transport.ts';

/**
 * The credentials of the service account that we run as:
 * https://cloud.google.com/docs/authentication/application-default-credentials. Tokens are kept until near their end.
 */
export function applicationDefault(scope: string): Authorize {
  // Loaded when first used: an emulator may need none of it, and it is a third of a cold start.
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
