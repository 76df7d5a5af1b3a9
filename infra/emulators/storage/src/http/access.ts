import type { IncomingHttpHeaders } from 'node:http';
import { type EmulatedIam, InvalidToken } from '../../../common/iam/emulated-iam.ts';
import { ANYBODY } from '../../../common/iam/policy.ts';
import { ApiError } from '../api-error.ts';
import type { Operation, Target } from '../operation.ts';
import type { Route } from './router.ts';

/** The permissions of the caller of one request. */
export interface Access {
  /** @throws ApiError 401 | 403 */
  require(permission: string, target: Target): void;
  /** The error that stands in place of 404 where the caller may not list; undefined where it may. */
  concealed(permission: string, target: Target): ApiError | undefined;
}

const UNCHECKED: Access = { require: () => undefined, concealed: () => undefined };

/**
 * The permission that an operation needs on its target: https://cloud.google.com/storage/docs/access-control/iam-json.
 * Those that make an object need more, see {@link admitDraft}; a session URI is a separate credential.
 */
const PERMISSIONS: Readonly<Record<Operation, string | undefined>> = {
  'buckets.insert': 'storage.buckets.create',
  'buckets.list': 'storage.buckets.list',
  'buckets.get': 'storage.buckets.get',
  'buckets.getStorageLayout': 'storage.buckets.get',
  'buckets.patch': 'storage.buckets.update',
  'buckets.update': 'storage.buckets.update',
  'buckets.delete': 'storage.buckets.delete',
  'managedFolders.list': 'storage.managedFolders.list',
  'notifications.list': 'storage.buckets.get',
  'objects.list': 'storage.objects.list',
  'objects.get': 'storage.objects.get',
  'objects.getMedia': 'storage.objects.get',
  'objects.patch': 'storage.objects.update',
  'objects.update': 'storage.objects.update',
  'objects.delete': 'storage.objects.delete',
  'objects.copy': 'storage.objects.get',
  'objects.rewrite': 'storage.objects.get',
  'objects.insert': undefined,
  'objects.compose': undefined,
  'resumable.start': undefined,
  'resumable.chunk': undefined,
  'resumable.query': undefined,
  'resumable.cancel': undefined,
  notify: undefined,
};

/** @throws ApiError 401 */
export async function accessOf(
  iam: EmulatedIam | undefined,
  route: Route,
  query: URLSearchParams,
  headers: IncomingHttpHeaders,
): Promise<Access> {
  if (!iam) return UNCHECKED;
  const account = route.signed ? signerOf(query) : await callerOf(iam, headers);
  const { policy } = iam;
  const refused = (permission: string, object: string | undefined): ApiError =>
    account === undefined ? anonymous(permission, object) : forbidden(account, permission, object);
  return {
    require(permission, { bucket, name }) {
      const object = name === '' ? undefined : name;
      if (!policy.admits(account ?? ANYBODY, permission, { bucket, object }))
        throw refused(permission, object);
    },
    concealed(permission, { bucket, name }) {
      return policy.admits(account ?? ANYBODY, 'storage.objects.list', { bucket })
        ? undefined
        : refused(permission, name);
    },
  };
}

/** @throws ApiError 401 | 403 */
export function authorize(access: Access, { operation, target }: Route): void {
  const permission = PERMISSIONS[operation];
  if (permission !== undefined) access.require(permission, target);
}

/** Hides objects from a caller that may not list: one that does not exist looks like one without access. */
export function concealing(error: unknown, access: Access, { operation, target }: Route): unknown {
  if (!(error instanceof ApiError) || error.status !== 404 || target.name === '') return error;
  if (operation.startsWith('resumable.')) return error;
  return access.concealed(PERMISSIONS[operation] ?? 'storage.objects.get', target) ?? error;
}

async function callerOf(
  iam: EmulatedIam,
  { authorization }: IncomingHttpHeaders,
): Promise<string | undefined> {
  try {
    return await iam.caller(authorization);
  } catch (error) {
    if (!(error instanceof InvalidToken)) throw error;
    throw new ApiError(401, 'authError', 'Invalid Credentials', {
      'www-authenticate': 'Bearer realm="https://accounts.google.com/"',
    });
  }
}

/** A signed URL is as good as the account that signed it. */
function signerOf(query: URLSearchParams): string {
  return (query.get('X-Goog-Credential') ?? '').split('/')[0] ?? '';
}

function anonymous(permission: string, object: string | undefined): ApiError {
  return new ApiError(401, 'required', messageOf('Anonymous caller', permission, object), {
    'www-authenticate': 'Bearer realm="https://accounts.google.com/"',
  });
}

function forbidden(account: string, permission: string, object: string | undefined): ApiError {
  return new ApiError(403, 'forbidden', messageOf(account, permission, object));
}

/** Message in Cloud Storage's words. */
function messageOf(who: string, permission: string, object: string | undefined): string {
  const what = object === undefined ? 'bucket' : 'object';
  return `${who} does not have ${permission} access to the Google Cloud Storage ${what}. Permission '${permission}' denied on resource (or it may not exist).`;
}
