import { addressesOf, tokenOf } from './connect.ts';
import { type Context, harmless, print, say } from './context.ts';
import { messageOf } from './exit.ts';
import { clientGrant, type DevicePrompt, deviceGrant, revoke } from './login/grants.ts';
import { claimsIn } from './login/jwt.ts';
import { type Profile, profileName, profileOf, SETTINGS, saveProfile, withPaths } from './login/profile.ts';
import { discover, required } from './login/provider.ts';
import { exclusively, readTokens, removeTokens, type Tokens, writeTokens } from './login/tokens.ts';

/** `fileshare login [--issuer URL --client-id ID ...]`: options are kept in the profile. */
export async function loginCommand(context: Context, flags: Profile): Promise<void> {
  const name = profileName(context);
  const before = profileOf(context, true);
  const { url, uploadUrl, filesUrl, ...login } = { ...before, ...given(flags) };
  const profile: Profile = { ...login, ...text(addressesOf(context, before)) };
  required(profile);
  const provider = await discover(context, profile);
  const isDevice = profile.grant === undefined || profile.grant === 'device';
  const answer = isDevice
    ? await deviceGrant(context, provider, (prompt) => showPrompt(context, prompt))
    : await clientGrant(context, provider);
  const tokens = await exclusively(name, context, async () => {
    await saveProfile(name, profile);
    return writeTokens(name, profile, answer);
  });
  const about = { profile: name, ...factsOf(profile, tokens.accessToken, tokens) };
  if (context.common.json) return print(context, about, '');
  say(context, `Logged in${about.subject ? ` as ${harmless(about.subject)}` : ''}, until ${about.expires}.`);
  if (isDevice && tokens.refreshToken === undefined)
    say(context, 'There is no refresh token. Providers often give one for the scope offline_access.');
}

function given(flags: Profile): Profile {
  const named = Object.fromEntries(SETTINGS.flatMap((name) => (flags[name] ? [[name, flags[name]]] : [])));
  return withPaths(named, process.cwd());
}

function text({ url, uploadUrl, filesUrl }: ReturnType<typeof addressesOf>): Profile {
  return url !== undefined
    ? { url: String(url) }
    : { uploadUrl: String(uploadUrl), filesUrl: String(filesUrl) };
}

/** Shown also with --quiet: nobody could log in otherwise. */
function showPrompt(context: Context, prompt: DevicePrompt): void {
  const { userCode, verificationUri, verificationUriComplete } = prompt;
  const direct = verificationUriComplete === undefined ? '' : `\nor open   ${verificationUriComplete}`;
  if (context.common.json) print(context, prompt, '');
  else process.stderr.write(`Open      ${verificationUri}\nand enter ${userCode}${direct}\n`);
}

/** `fileshare logout`: forgets the tokens of the profile, and asks the provider to. */
export async function logoutCommand(context: Context): Promise<void> {
  const name = profileName(context);
  const profile = profileOf(context);
  const revoked = await exclusively(name, context, async () => {
    const tokens = await readTokens(name, profile);
    // Here first: whatever the provider answers, this machine has them no more.
    await removeTokens(name);
    return tokens === undefined || (await revokeAll(context, profile, tokens));
  });
  if (context.common.json) print(context, { profile: name, revoked }, '');
  else say(context, `Logged out of profile ${name}.`);
}

async function revokeAll(context: Context, profile: Profile, tokens: Tokens): Promise<boolean> {
  try {
    const provider = await discover(context, profile);
    if (!provider.server.revocation_endpoint) return false;
    // With a refresh token go the access tokens that it gave (RFC 7009 section 2.1).
    await revoke(context, provider, tokens.refreshToken ?? tokens.accessToken);
    return true;
  } catch (error) {
    context.signal.throwIfAborted();
    say(
      context,
      `The tokens could not be revoked, and stay good until they expire: ${harmless(messageOf(error))}`,
    );
    return false;
  }
}

/** `fileshare whoami`: what the token says, which is not verified here. */
export async function whoamiCommand(context: Context): Promise<void> {
  const source = tokenOf(context);
  const token = (typeof source === 'string' ? source : await source()).trim();
  const fromProfile = typeof source !== 'string' && context.common.tokenFile === undefined;
  const name = fromProfile ? profileName(context) : undefined;
  const profile = name === undefined ? {} : profileOf(context);
  const tokens = name === undefined ? undefined : await readTokens(name, profile);
  const about = {
    ...(tokens && { profile: name }),
    ...text(addressesOf(context)),
    ...factsOf(profile, token, tokens),
  };
  const lines = Object.entries(about).map(([key, value]) => `${key.padEnd(10)}${harmless(String(value))}`);
  print(context, about, lines.join('\n'));
}

interface Facts {
  readonly issuer?: string;
  readonly clientId?: string;
  readonly subject?: string;
  readonly scope?: string;
  readonly expires?: string;
}

/** Facts of a token: what its claims say, and what is known of one that is no JWT. */
function factsOf({ issuer, clientId }: Profile, token: string, tokens: Tokens | undefined): Facts {
  const claims = claimsIn(token) ?? {};
  const one = (...names: readonly string[]) =>
    names.map((name) => claims[name]).find((value): value is string => typeof value === 'string');
  const roles = Array.isArray(claims['roles']) ? claims['roles'].join(' ') : undefined;
  const exp = typeof claims['exp'] === 'number' ? claims['exp'] * 1000 : tokens?.expiresAt;
  return defined({
    issuer: one('iss') ?? issuer,
    clientId: one('azp', 'client_id', 'appid') ?? clientId,
    subject: organisationOf(claims['consumer']) ?? one('sub', 'oid'),
    scope: one('scope', 'scp') ?? roles ?? tokens?.scope,
    expires: exp === undefined ? undefined : new Date(exp).toISOString(),
  });
}

/** The organisation in a token of Maskinporten. */
function organisationOf(consumer: unknown): string | undefined {
  if (typeof consumer !== 'object' || consumer === null || !('ID' in consumer)) return undefined;
  return String(consumer.ID);
}

function defined(facts: { readonly [Name in keyof Facts]-?: string | undefined }): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}
