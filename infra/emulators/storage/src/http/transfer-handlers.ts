import { json } from '../answer.ts';
import { invalid } from '../api-error.ts';
import { type JsonRecord, readRecord } from '../json-body.ts';
import { checkPreconditions, parsePreconditions, parseVersion } from '../state/preconditions.ts';
import { nextToken, rewrittenSoFar } from '../state/rewrite-token.ts';
import type { Draft, Store } from '../state/store.ts';
import type { Settable, StoredContent, StoredObject } from '../state/stored-object.ts';
import type { Call, Handler } from './call.ts';
import { admitMutation } from './draft-access.ts';
import { checkObjectName } from './object-name.ts';
import { objectResource } from './resource.ts';
import { mergeSettable, overridesMetadata } from './settable.ts';

const MEBIBYTE = 1024 * 1024;

/**
 * Copies share the immutable data file of their source, so that they take no time, as the real service's
 * within one location. Source: Cloud Storage JSON API, Objects: copy, Objects: rewrite.
 */
export function transferHandlers(store: Store): Record<'objects.copy' | 'objects.rewrite', Handler> {
  const source = ({ route, query }: Call): StoredObject => {
    const { bucket, name } = route.target;
    const generation = parseVersion('sourceGeneration', query.get('sourceGeneration'));
    const object = store.object(bucket, name, generation);
    checkPreconditions(parsePreconditions(query, 'ifSource'), object, 'write');
    return object;
  };
  const place = (call: Call, from: StoredObject, body: JsonRecord): object => {
    const draft = destination(call, settableOfCopy(from, body));
    admitMutation(store, call.access, draft);
    const object = store.finalize(draft, contentOf(from));
    return objectResource(object, store.bucket(object.bucket).bucket, call.base);
  };

  return {
    'objects.copy': async (call) => {
      const body = await readRecord(call.body);
      return json(200, place(call, source(call), body));
    },
    'objects.rewrite': async (call) => {
      const body = await readRecord(call.body);
      const from = source(call);
      const draft = destination(call, settableOfCopy(from, body));
      admitMutation(store, call.access, draft);
      const before = rewrittenSoFar(call.query.get('rewriteToken'), from, draft);
      const rewritten = Math.min(from.size, before + quantum(call.query));
      const progress = {
        kind: 'storage#rewriteResponse',
        totalBytesRewritten: String(rewritten),
        objectSize: String(from.size),
      };
      if (rewritten < from.size) {
        return json(200, { ...progress, done: false, rewriteToken: nextToken(rewritten, from, draft) });
      }
      return json(200, { ...progress, done: true, resource: place(call, from, body) });
    },
  };
}

/** Bytes that one call may rewrite. @throws ApiError 400 */
function quantum(query: URLSearchParams): number {
  const name = 'maxBytesRewrittenPerCall';
  const bytes = parseVersion(name, query.get(name));
  if (bytes === undefined) return Number.POSITIVE_INFINITY;
  if (bytes === 0 || bytes % MEBIBYTE !== 0) throw invalid(`Invalid value for: ${name}`);
  return bytes;
}

function destination(call: Call, settable: Settable): Draft {
  const { bucket, name } = call.route.destination ?? { bucket: '', name: '' };
  return { bucket, name: checkObjectName(name), settable, preconditions: parsePreconditions(call.query) };
}

/**
 * A resource in the body replaces the source's metadata; one that says nothing of it keeps them.
 * @google-cloud/storage repeats its preconditions in the body, beside the query that they are read from.
 */
function settableOfCopy(from: StoredObject, { preconditionOpts: _, ...body }: JsonRecord): Settable {
  const { temporaryHold: _temporary, eventBasedHold: _eventBased, ...kept } = from.settable;
  return mergeSettable(overridesMetadata(body) ? {} : kept, body);
}

function contentOf({ content, size, crc32c, md5Hash, componentCount }: StoredObject): StoredContent {
  return {
    size,
    crc32c,
    ...(content !== undefined && { content }),
    ...(md5Hash !== undefined && { md5Hash }),
    ...(componentCount !== undefined && { componentCount }),
  };
}
