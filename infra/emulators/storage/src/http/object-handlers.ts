import { empty, json } from '../answer.ts';
import { invalid } from '../api-error.ts';
import { type JsonRecord, readRecord } from '../json-body.ts';
import { listNames } from '../state/listing.ts';
import { checkPreconditions, parsePreconditions, parseVersion } from '../state/preconditions.ts';
import type { Store } from '../state/store.ts';
import type { Settable, StoredObject } from '../state/stored-object.ts';
import type { Call, Handler } from './call.ts';
import { checkEtags } from './media-handler.ts';
import { objectResource } from './resource.ts';
import { mergeSettable } from './settable.ts';

const MAX_RESULTS = 1000;
const DEFAULT_STORAGE_CLASS = 'STANDARD';

type ObjectOperation =
  | 'objects.get'
  | 'objects.patch'
  | 'objects.update'
  | 'objects.delete'
  | 'objects.list'
  | 'managedFolders.list';

/** Source: Cloud Storage JSON API, Objects. */
export function objectHandlers(store: Store): Record<ObjectOperation, Handler> {
  const addressed = ({ route, query }: Call, kind: 'read' | 'write'): StoredObject => {
    const { bucket, name } = route.target;
    const object = store.object(bucket, name, parseVersion('generation', query.get('generation')));
    if (kind === 'write') store.checkMutable(object);
    checkPreconditions(parsePreconditions(query), object, kind);
    return object;
  };
  const answer = (call: Call, object: StoredObject) =>
    json(200, objectResource(object, store.bucket(object.bucket).bucket, call.base));

  /** The body is read first: between the check of the preconditions and the change nothing may come. */
  const change = async (call: Call, merge: (object: StoredObject, body: object) => Settable) => {
    const body = await readRecord(call.body);
    const object = addressed(call, 'write');
    checkEtags(call, object);
    const changed = store.changeMetadata(object, merge(object, body));
    return answer(call, changed);
  };

  return {
    'objects.get': (call) => {
      const object = addressed(call, 'read');
      checkEtags(call, object);
      return answer(call, object);
    },
    'objects.patch': (call) =>
      change(call, (object, body) => keepClass(object, mergeSettable(object.settable, { ...body }))),
    'objects.update': (call) =>
      change(call, (object, body) => keepClass(object, replaced(object, { ...body }))),
    'objects.delete': (call) => {
      store.delete(addressed(call, 'write'));
      return empty(204);
    },
    'objects.list': (call) => list(store, call),
    'managedFolders.list': (call) => {
      store.bucket(call.route.target.bucket);
      return json(200, { kind: 'storage#managedFolders' });
    },
  };
}

/** An update clears what its body does not have, but for the custom time. */
function replaced({ settable: { customTime } }: StoredObject, body: JsonRecord): Settable {
  return mergeSettable(customTime === undefined ? {} : { customTime }, body);
}

/** Only a rewrite changes the storage class; a client that echoes the resource names the one that it has. */
function keepClass({ settable: { storageClass } }: StoredObject, next: Settable): Settable {
  const { storageClass: asked, ...rest } = next;
  if (asked !== undefined && asked !== (storageClass ?? DEFAULT_STORAGE_CLASS)) {
    throw invalid(
      `The storage class of an object cannot be changed to ${asked} by a metadata update; rewrite it.`,
    );
  }
  return storageClass === undefined ? rest : { ...rest, storageClass };
}

/** Parses as Google's clients write it: `true` or `True`. @throws ApiError 400 */
function parseBoolean(name: string, query: URLSearchParams): boolean {
  const text = query.get(name)?.toLowerCase() ?? 'false';
  if (text !== 'true' && text !== 'false') throw invalid(`Invalid value for: ${name}`);
  return text === 'true';
}

function list(store: Store, call: Call) {
  const { bucket, objects, names } = store.bucket(call.route.target.bucket);
  const { query } = call;
  const asked = parseVersion('maxResults', query.get('maxResults')) ?? MAX_RESULTS;
  const page = listNames(names, {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    startOffset: query.get('startOffset') ?? '',
    endOffset: query.get('endOffset') ?? '',
    includeTrailingDelimiter: parseBoolean('includeTrailingDelimiter', query),
    maxResults: Math.min(Math.max(asked, 1), MAX_RESULTS),
    pageToken: query.get('pageToken') ?? '',
  });
  const items = page.names
    .map((name) => objects.get(name))
    .filter((object) => object !== undefined)
    .map((object) => objectResource(object, bucket, call.base));
  return json(200, {
    kind: 'storage#objects',
    ...(page.nextPageToken !== undefined && { nextPageToken: page.nextPageToken }),
    ...(page.prefixes.length > 0 && { prefixes: page.prefixes }),
    ...(items.length > 0 && { items }),
  });
}
