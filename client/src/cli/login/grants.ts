import type { TokenEndpointResponse } from 'oauth4webapi';
import { sleep } from '../../backoff.ts';
import { FileshareConnectionError } from '../../errors.ts';
import { type Context, harmless } from '../context.ts';
import { LoginRefused, UsageError } from '../exit.ts';
import { signedJwt, signingKey } from './jwt.ts';
import type { Profile } from './profile.ts';
import { asked, audienceParameters, type Provider } from './provider.ts';

/** Seconds between two questions, where the server names none (RFC 8628 section 3.5). */
const INTERVAL_SECONDS = 5;

/** A code that a person enters elsewhere. */
export interface DevicePrompt {
  readonly userCode: string;
  readonly verificationUri: string;
  /** The same with the code in it. */
  readonly verificationUriComplete?: string;
  readonly expiresIn: number;
}

/** The device authorization grant (RFC 8628), with PKCE where the server offers it. @throws {LoginRefused}, {FileshareConnectionError} */
export async function deviceGrant(
  context: Context,
  provider: Provider,
  show: (prompt: DevicePrompt) => void,
): Promise<TokenEndpointResponse> {
  const { oauth, server, client, authentication, profile, options } = provider;
  if (!server.device_authorization_endpoint)
    throw new UsageError(`${server.issuer} has no device authorization. Choose another --grant.`);
  const hasPkce = server.code_challenge_methods_supported?.includes('S256') ?? false;
  const verifier = hasPkce ? oauth.generateRandomCodeVerifier() : undefined;
  const parameters = {
    ...scopeParameter(profile),
    ...audienceParameters(profile),
    ...(verifier && {
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }),
  };
  const device = await asked(context, server.issuer, async () => {
    const response = await oauth.deviceAuthorizationRequest(
      server,
      client,
      authentication,
      parameters,
      options(),
    );
    return oauth.processDeviceAuthorizationResponse(server, client, response);
  });
  show(promptOf(device));
  const end = Date.now() + device.expires_in * 1000;
  const additionalParameters = {
    ...audienceParameters(profile),
    ...(verifier && { code_verifier: verifier }),
  };
  for (let seconds = device.interval ?? INTERVAL_SECONDS; ; ) {
    await sleep(seconds * 1000, context.signal);
    try {
      return await asked(context, server.issuer, async () => {
        const request = { ...options(), additionalParameters };
        const response = await oauth.deviceCodeGrantRequest(
          server,
          client,
          authentication,
          device.device_code,
          request,
        );
        return oauth.processDeviceCodeResponse(server, client, response);
      });
    } catch (error) {
      const code = error instanceof LoginRefused ? error.oauthError : undefined;
      // Section 3.5: a connection that fails is a reason to ask less often.
      const isSlow = code === 'slow_down' || error instanceof FileshareConnectionError;
      if (!isSlow && code !== 'authorization_pending') throw error;
      if (isSlow) seconds += INTERVAL_SECONDS;
      if (Date.now() >= end) throw new LoginRefused('The code has expired. Log in again.', 'expired_token');
    }
  }
}

function promptOf(device: {
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete?: string;
  readonly expires_in: number;
}): DevicePrompt {
  const { verification_uri_complete: complete } = device;
  return {
    userCode: harmless(device.user_code),
    verificationUri: harmless(device.verification_uri),
    ...(complete !== undefined && { verificationUriComplete: harmless(complete) }),
    expiresIn: device.expires_in,
  };
}

/** A token for the client, which has proven who it is: RFC 6749 section 4.4, or RFC 7523 section 2.1 as Maskinporten has it. */
export async function clientGrant(context: Context, provider: Provider): Promise<TokenEndpointResponse> {
  const { oauth, server, client, authentication, profile, options } = provider;
  if (profile.grant === 'jwt-bearer') {
    if (profile.keyFile === undefined) throw new UsageError('The grant jwt-bearer needs --key-file.');
    const { scope, audience } = profile;
    const claims = {
      iss: client.client_id,
      aud: server.issuer,
      ...(scope !== undefined && { scope }),
      // https://docs.digdir.no/docs/Maskinporten/maskinporten_protocol_jwtgrant: only a list is taken.
      ...(audience !== undefined && { resource: [audience] }),
    };
    const parameters = { assertion: signedJwt(await signingKey(profile), claims) };
    return asked(context, server.issuer, async () => {
      const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
      const response = await oauth.genericTokenEndpointRequest(
        server,
        client,
        authentication,
        grant,
        parameters,
        options(),
      );
      return oauth.processGenericTokenEndpointResponse(server, client, response);
    });
  }
  const parameters = { ...scopeParameter(profile), ...audienceParameters(profile) };
  return asked(context, server.issuer, async () => {
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      authentication,
      parameters,
      options(),
    );
    return oauth.processClientCredentialsResponse(server, client, response);
  });
}

/** @returns undefined where the server no longer takes the refresh token @throws {LoginRefused}, {FileshareConnectionError} */
export async function refreshGrant(
  context: Context,
  provider: Provider,
  refreshToken: string,
): Promise<TokenEndpointResponse | undefined> {
  const { oauth, server, client, authentication, profile, options } = provider;
  try {
    return await asked(context, server.issuer, async () => {
      const request = { ...options(), additionalParameters: audienceParameters(profile) };
      const response = await oauth.refreshTokenGrantRequest(
        server,
        client,
        authentication,
        refreshToken,
        request,
      );
      return oauth.processRefreshTokenResponse(server, client, response);
    });
  } catch (error) {
    if (error instanceof LoginRefused && error.oauthError === 'invalid_grant') return undefined;
    throw error;
  }
}

/** Tells the server that a token is no longer needed (RFC 7009), if it offers that. @throws {LoginRefused}, {FileshareConnectionError} */
export async function revoke(context: Context, provider: Provider, token: string): Promise<void> {
  const { oauth, server, client, authentication, options } = provider;
  if (!server.revocation_endpoint) return;
  await asked(context, server.issuer, async () => {
    const response = await oauth.revocationRequest(server, client, authentication, token, options());
    return oauth.processRevocationResponse(response);
  });
}

function scopeParameter({ scope }: Profile): Record<string, string> {
  return scope === undefined ? {} : { scope };
}
