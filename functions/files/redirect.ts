import type { IncomingHttpHeaders } from 'node:http';
import * as v from 'valibot';
import type { ReadableRecord } from '../../shared/files/readable.ts';
import { integer, json, nonEmpty } from '../../shared/runtime/config.ts';
import type { StoredObject } from '../../shared/storage/object.ts';
import { type Signer, signingKeySchema } from '../../shared/storage/signer.ts';
import { signedUrl } from './signed-url.ts';

/** Configuration of redirects; without `REDIRECT_ABOVE_BYTES` there are none. */
export const redirectVariables = {
  REDIRECT_ABOVE_BYTES: v.optional(integer(0, Number.MAX_SAFE_INTEGER)),
  SIGNED_URL_SECONDS: v.optional(integer(1, 3600), '300'),
  SIGNING_SERVICE_ACCOUNT: v.optional(nonEmpty),
  SIGNING_KEY: v.optional(json(signingKeySchema)),
};

/** Sends clients to Cloud Storage itself for the bytes of large files. See docs/adr/0011. */
export interface Redirect {
  /** Bytes; larger files are redirected. */
  readonly aboveBytes: number;
  /**
   * Seconds for which a URL is good. It opens the file to anyone who has it, even if it is found infected meanwhile.
   */
  readonly seconds: number;
  readonly origin: string;
  readonly signer: Signer;
}

/** Cloud Storage would compare them with its own tag and time, which are not those that we gave out. */
const CONDITIONS = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'];

/** HEAD has nothing to redirect for, and tells the digest that what Cloud Storage sends can be checked with. */
export function redirects(
  redirect: Redirect,
  request: {
    readonly method: 'GET' | 'HEAD';
    readonly headers: IncomingHttpHeaders;
    readonly crossOrigin?: boolean;
  },
  size: number,
): boolean {
  return (
    size > redirect.aboveBytes &&
    request.method === 'GET' &&
    !request.crossOrigin &&
    CONDITIONS.every((name) => request.headers[name] === undefined)
  );
}

/**
 * Where the bytes of exactly this generation are to be had, with the type and the name that we would send: for no longer than
 * the file is there and its reader sees it.
 * @param until when the reader ceases to see it
 * @returns undefined where that is less than a second: the bytes go through this function then
 * @throws {StorageError}
 */
export async function locationOf(
  { origin, seconds, signer }: Redirect,
  object: StoredObject,
  record: ReadableRecord,
  disposition: string,
  until: Date | undefined,
): Promise<string | undefined> {
  const at = new Date();
  const left = [record.expiresAt, until].flatMap((end) =>
    end ? Math.floor((end.getTime() - at.getTime()) / 1000) : [],
  );
  const goodFor = Math.min(seconds, ...left);
  if (goodFor < 1) return undefined;
  return signedUrl(signer, {
    origin,
    path: `/${object.bucket}/${object.name}`,
    query: {
      generation: object.generation,
      'response-content-disposition': disposition,
      'response-content-type': record.contentType,
    },
    at,
    seconds: goodFor,
  });
}
