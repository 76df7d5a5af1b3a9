import { readFile } from 'node:fs/promises';
import { type Addresses, hostsOf } from '../addresses.ts';
import { Fileshare } from '../fileshare.ts';
import { FolderUploadStore } from '../node.ts';
import type { Context } from './context.ts';
import { UsageError } from './exit.ts';
import { type Profile, profileName, profileOf } from './login/profile.ts';
import { ProfileToken } from './login/tokens.ts';

export const DEFAULT_URL = 'http://127.0.0.1:8080';

/** @throws {UsageError} where there is nothing to connect with */
export function connect(context: Context): Fileshare {
  const { fetch } = context;
  const store = new FolderUploadStore();
  return new Fileshare({ ...addressesOf(context), token: tokenOf(context), store, fetch });
}

/** One address or two; an option goes before the environment. @throws {UsageError} */
export function addressesOf(context: Context, profile?: Profile): Addresses {
  const { common, env } = context;
  const fromProfile = () => addressesIn(profile ?? profileOf(context));
  return (
    chosen(common.url, common.uploadUrl, common.filesUrl, ['--url', '--upload-url', '--files-url']) ??
    (common.profile === undefined ? undefined : fromProfile()) ??
    chosen(env['FILESHARE_URL'], env['FILESHARE_UPLOAD_URL'], env['FILESHARE_FILES_URL'], [
      'FILESHARE_URL',
      'FILESHARE_UPLOAD_URL',
      'FILESHARE_FILES_URL',
    ]) ??
    fromProfile() ?? { url: DEFAULT_URL }
  );
}

function addressesIn({ url, uploadUrl, filesUrl }: Profile): Addresses | undefined {
  return chosen(url, uploadUrl, filesUrl, ['url', 'uploadUrl', 'filesUrl']);
}

/** The address of the local platform alone: it has the development issuer. @throws {UsageError} */
export function localUrlOf({ common, env }: Context): string {
  return checkedUrl(common.url ?? (env['FILESHARE_URL'] || DEFAULT_URL), 'FILESHARE_URL');
}

type Names = readonly [url: string, uploadUrl: string, filesUrl: string];

function chosen(
  url: string | undefined,
  uploadUrl: string | undefined,
  filesUrl: string | undefined,
  [one, upload, files]: Names,
): Addresses | undefined {
  if (url && (uploadUrl || filesUrl))
    throw new UsageError(`Set ${one}, or ${upload} and ${files}, not both.`);
  if (url) return { url: checkedUrl(url, one) };
  if (!uploadUrl && !filesUrl) return undefined;
  if (!uploadUrl || !filesUrl) throw new UsageError(`${upload} and ${files} go together: set both.`);
  return { uploadUrl: checkedUrl(uploadUrl, upload), filesUrl: checkedUrl(filesUrl, files) };
}

function checkedUrl(url: string, name: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new UsageError(`${name}: ${url} is not a URL such as https://fileshare.example.org`);
}

/**
 * An option goes before the environment, and that before the login of a profile. A file is read before each request: a program
 * that renews it keeps a long upload going.
 * @throws {UsageError}
 */
export function tokenOf(context: Context): string | (() => Promise<string>) {
  const { common, env } = context;
  const isChosen = common.tokenFile === undefined && common.profile !== undefined;
  const variable = isChosen ? undefined : env['FILESHARE_TOKEN'] || undefined;
  const file = common.tokenFile ?? (isChosen || variable ? undefined : env['FILESHARE_TOKEN_FILE']);
  if (file) return () => readFile(file, 'utf8');
  if (variable) return variable;
  const profile = profileOf(context);
  if (profile.issuer === undefined) {
    throw new UsageError(
      'There is no token. Log in with fileshare login, set FILESHARE_TOKEN, or FILESHARE_TOKEN_FILE to a file with it. ' +
        'With `npm start`: export FILESHARE_TOKEN=$(fileshare token)',
    );
  }
  requireSameService(context, profile);
  const token = new ProfileToken(context, profileName(context), profile);
  return () => token.get();
}

/** A token is sent to no other service than the one that somebody logged in for. @throws {UsageError} */
function requireSameService(context: Context, profile: Profile): void {
  const [asked, own] = [addressesOf(context), addressesIn(profile) ?? { url: DEFAULT_URL }].map(hostsOf);
  if (asked?.upload === own?.upload && asked?.files === own?.files) return;
  throw new UsageError(
    `The login of profile ${profileName(context)} is for ${own?.files}, not for ${asked?.files}: log in with another --profile.`,
  );
}
