import { type Answer, json } from '../answer.ts';
import { invalid } from '../api-error.ts';
import type { JsonRecord } from '../json-body.ts';
import { ContentDigest } from '../state/content-digest.ts';
import type { ContentFolder } from '../state/content-folder.ts';
import { ContentWriter } from '../state/content-writer.ts';
import { parsePreconditions } from '../state/preconditions.ts';
import type { Draft, Store } from '../state/store.ts';
import type { StoredContent } from '../state/stored-object.ts';
import type { Call, Handler } from './call.ts';
import { admitMutation } from './draft-access.ts';
import { checkClaims, claimsOf, claimsOfHeader } from './expected-content.ts';
import { readMultipart } from './multipart.ts';
import { checkObjectName } from './object-name.ts';
import { objectResource } from './resource.ts';
import { mergeSettable } from './settable.ts';

/** Uploads in one request. Source: Cloud Storage JSON API, Objects: insert. */
export function uploadHandlers(store: Store): Record<'objects.insert', Handler> {
  return {
    'objects.insert': async (call) => {
      store.bucket(call.route.target.bucket);
      const uploadType = call.query.get('uploadType');
      if (uploadType === 'media') return insertMedia(store, call);
      if (uploadType === 'multipart') return insertMultipart(store, call);
      throw invalid(`Invalid value for: uploadType ${uploadType ?? ''}`);
    },
  };
}

/**
 * The object to be made, from the query and the resource.
 * @param contentType as the upload names it, outside of the resource
 * @throws ApiError 400
 */
export function draftOf(call: Call, resource: JsonRecord, contentType: string | undefined): Draft {
  checkContentTypes(contentType, resource);
  const bucket = resource['bucket'] ?? call.route.target.bucket;
  if (bucket !== call.route.target.bucket) throw invalid(`Invalid value for: bucket ${String(bucket)}`);
  const named = call.query.get('name') ?? resource['name'];
  const contentEncoding = call.query.get('contentEncoding');
  const settable = mergeSettable(
    {
      ...(contentType !== undefined && { contentType }),
      ...(contentEncoding !== null && { contentEncoding }),
    },
    resource,
  );
  return {
    bucket: call.route.target.bucket,
    name: checkObjectName(named),
    settable,
    preconditions: parsePreconditions(call.query),
  };
}

/**
 * An upload that names a content type twice names the same one; either may be absent.
 * Source: googleapis/google-cloud-go#306 (Google's announcement), buildkite/agent#361 (the words of the refusal).
 * @throws ApiError 400
 */
function checkContentTypes(ofUpload: string | undefined, { contentType: ofMetadata }: JsonRecord): void {
  if (ofUpload === undefined || typeof ofMetadata !== 'string' || ofUpload === ofMetadata) return;
  throw invalid(
    `Content-Type specified in the upload (${ofUpload}) does not match ` +
      `Content-Type specified in metadata (${ofMetadata}). ` +
      'If it was a simple upload (uploadType=media), the Content-Type was specified as a bare header. ' +
      'If it was a multipart upload (uploadType=multipart), then the Content-Type was specified in the second ' +
      'part of the multipart. If it was a resumable upload (uploadType=resumable), then the Content-Type was ' +
      'specified with the X-Upload-Content-Type header with the start of the resumable session. For more ' +
      'information, see https://cloud.google.com/storage/docs/json_api/v1/how-tos/upload.',
  );
}

async function insertMedia(store: Store, call: Call): Promise<Answer> {
  return insert(store, call, draftOf(call, {}, call.headers['content-type']), {}, call.body);
}

async function insertMultipart(store: Store, call: Call): Promise<Answer> {
  const { resource, contentType, media } = await readMultipart(call.headers['content-type'], call.body);
  return insert(store, call, draftOf(call, resource, contentType), resource, media);
}

async function insert(
  store: Store,
  call: Call,
  draft: Draft,
  resource: JsonRecord,
  bytes: AsyncIterable<Buffer>,
): Promise<Answer> {
  // Also before the bytes, so that a lost race costs no transfer; finalize decides.
  admitMutation(store, call.access, draft);
  const content = store.contents.newId();
  try {
    const received = await receive(store.contents, content, bytes);
    checkClaims({ ...claimsOf(resource), ...claimsOfHeader(call.headers) }, received);
    const object = store.finalize(draft, received);
    return json(200, objectResource(object, store.bucket(object.bucket).bucket, call.base));
  } catch (error) {
    store.contents.discard(content);
    throw error;
  }
}

async function receive(
  contents: ContentFolder,
  content: string,
  bytes: AsyncIterable<Buffer>,
): Promise<StoredContent> {
  const digest = new ContentDigest(contents.md5);
  const writer = new ContentWriter(contents, content, digest);
  try {
    for await (const chunk of bytes) await writer.write(chunk);
  } catch (error) {
    await writer.keepGranules();
    throw error;
  }
  return storedContent(await writer.finish(), digest);
}

export function storedContent(content: string, digest: ContentDigest): StoredContent {
  const md5Hash = digest.md5Hash();
  return {
    ...(digest.size > 0 && { content }),
    size: digest.size,
    crc32c: digest.crc32c,
    ...(md5Hash !== undefined && { md5Hash }),
  };
}
