import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { configFolder } from '../../state.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../exit.ts';
import { writePrivate } from './private-file.ts';

export const GRANTS = ['device', 'client-credentials', 'jwt-bearer'] as const;
type Grant = (typeof GRANTS)[number];

/** Settings of a profile, as the configuration file has them. Secrets are in files that it names. */
export interface Profile {
  readonly url?: string;
  readonly uploadUrl?: string;
  readonly filesUrl?: string;
  /** The `issuer` of the identity provider's metadata. */
  readonly issuer?: string;
  readonly clientId?: string;
  /** How tokens are got; `device` by default. */
  readonly grant?: Grant;
  /** Scopes with spaces between. */
  readonly scope?: string;
  /** The API that tokens are for: `resource` where it is a URI, else `audience`. */
  readonly audience?: string;
  readonly clientSecretFile?: string;
  /** Private key in PEM (PKCS #8) or as a JWK. */
  readonly keyFile?: string;
  /** The `kid` under which the key is registered. */
  readonly keyId?: string;
  /** Certificate in PEM, by whose thumbprint Entra ID knows the key. */
  readonly certificateFile?: string;
  /** The `alg` of assertions, instead of that which fits the key. */
  readonly algorithm?: string;
}

/** Options of `login`, in the order of its help. */
export const SETTINGS = [
  'url',
  'uploadUrl',
  'filesUrl',
  'issuer',
  'clientId',
  'grant',
  'scope',
  'audience',
  'clientSecretFile',
  'keyFile',
  'keyId',
  'certificateFile',
  'algorithm',
] as const satisfies readonly (keyof Profile)[];

const FILES = ['clientSecretFile', 'keyFile', 'certificateFile'] as const;

type Profiles = Readonly<Record<string, Profile>>;

function configPath(): string {
  return join(configFolder(), 'config.json');
}

/** The name that --profile or FILESHARE_PROFILE has, or `default`. @throws {UsageError} */
export function profileName({ common, env }: Pick<Context, 'common' | 'env'>): string {
  const name = common.profile ?? (env['FILESHARE_PROFILE'] || 'default');
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return name;
  throw new UsageError(
    `${name} cannot be the name of a profile: letters, digits, dots, dashes, underscores.`,
  );
}

/**
 * Settings of the chosen profile; empty for `default` where there is none.
 * @param isNew whether another that is missing is empty too
 * @throws {UsageError}
 */
export function profileOf(context: Pick<Context, 'common' | 'env'>, isNew = false): Profile {
  const name = profileName(context);
  const profiles = readProfiles();
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile || isNew || name === 'default') return profile ?? {};
  throw new UsageError(
    `There is no profile ${name} in ${configPath()}: fileshare login --profile ${name} makes it.`,
  );
}

/** Replaces a profile, and leaves the others. */
export async function saveProfile(name: string, profile: Profile): Promise<void> {
  const profiles = { ...readProfiles(), [name]: profile };
  await writePrivate(configPath(), `${JSON.stringify({ profiles }, undefined, 2)}\n`);
}

/** @throws {UsageError} where the file is not what it should be */
function readProfiles(): Profiles {
  const path = configPath();
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  const parsed = parse(text);
  if (!isObject(parsed) || !isObject(parsed['profiles']))
    throw new UsageError(`${path} should be JSON such as {"profiles": {"default": {"url": "https://…"}}}.`);
  return Object.fromEntries(
    Object.entries(parsed['profiles']).map(([name, profile]) => [name, checked(profile, name, path)]),
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Paths are relative to the folder of the configuration. @throws {UsageError} */
function checked(profile: unknown, name: string, path: string): Profile {
  if (!isObject(profile)) throw new UsageError(`${path}: profile ${name} should be an object.`);
  for (const [member, value] of Object.entries(profile)) {
    if (!SETTINGS.some((known) => known === member))
      throw new UsageError(`${path}: profile ${name} has ${member}, which is no setting.`);
    if (typeof value !== 'string' || value === '')
      throw new UsageError(`${path}: ${member} of profile ${name} should be a string.`);
    if (member === 'grant' && !GRANTS.some((grant) => grant === value))
      throw new UsageError(`${path}: grant of profile ${name} should be one of ${GRANTS.join(', ')}.`);
  }
  // Each member was checked just now.
  return withPaths(profile as Profile, dirname(path));
}

/** Makes paths of files absolute. */
export function withPaths(profile: Profile, folder: string): Profile {
  const paths = FILES.flatMap((name) => {
    const path = profile[name];
    return path === undefined ? [] : [[name, resolve(folder, path)]];
  });
  return { ...profile, ...Object.fromEntries(paths) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
