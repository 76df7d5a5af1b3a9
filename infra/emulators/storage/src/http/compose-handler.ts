import { json } from '../answer.ts';
import { invalid, required } from '../api-error.ts';
import { isRecord, type JsonRecord, readRecord } from '../json-body.ts';
import { combineCrc32c, decodeCrc32c, encodeCrc32c } from '../state/crc32c.ts';
import { checkPreconditions, parsePreconditions, parseVersion } from '../state/preconditions.ts';
import type { Store } from '../state/store.ts';
import type { StoredContent, StoredObject } from '../state/stored-object.ts';
import type { Call, Handler } from './call.ts';
import { admitMutation } from './draft-access.ts';
import { isNothing, unsupportedField } from './object-fields.ts';
import { checkObjectName } from './object-name.ts';
import { objectResource } from './resource.ts';
import { mergeSettable } from './settable.ts';

const MAX_SOURCES = 32;

/** Concatenates objects of one bucket. Source: Cloud Storage JSON API, Objects: compose. */
export function composeHandler(store: Store): Record<'objects.compose', Handler> {
  return {
    'objects.compose': async (call) => {
      const body = await readRecord(call.body);
      checkFields(body, ['kind', 'destination', 'sourceObjects']);
      const { bucket, name } = call.route.target;
      const destination = isRecord(body['destination']) ? body['destination'] : {};
      const draft = {
        bucket,
        name: checkObjectName(name),
        settable: mergeSettable({}, destination),
        preconditions: parsePreconditions(call.query),
      };
      const sources = sourcesOf(store, call, body);
      admitMutation(store, call.access, draft);
      const object = store.finalize(draft, concatenate(store, sources));
      return json(200, objectResource(object, store.bucket(bucket).bucket, call.base));
    },
  };
}

/** @throws ApiError 400 | 404 | 412 */
function sourcesOf(store: Store, call: Call, body: JsonRecord): StoredObject[] {
  const listed = body['sourceObjects'];
  if (!Array.isArray(listed) || listed.length === 0) {
    throw required('You must provide at least one source component.');
  }
  if (listed.length > MAX_SOURCES) {
    throw invalid(`The number of source components provided (${listed.length}) exceeds the maximum (32)`);
  }
  return listed.map((entry: unknown) => {
    const source = isRecord(entry) ? entry : {};
    checkFields(source, ['name', 'generation', 'objectPreconditions']);
    const generation = parseVersion('generation', text(source['generation']));
    const { bucket } = call.route.target;
    const name = checkObjectName(source['name']);
    call.access.require('storage.objects.get', { bucket, name });
    const object = store.object(bucket, name, generation);
    const conditions = isRecord(source['objectPreconditions']) ? source['objectPreconditions'] : {};
    checkFields(conditions, ['ifGenerationMatch']);
    const generationMatch = parseVersion('ifGenerationMatch', text(conditions['ifGenerationMatch']));
    if (generationMatch !== undefined) checkPreconditions({ generationMatch }, object, 'write');
    return object;
  });
}

/** @throws ApiError 400 */
function checkFields(record: JsonRecord, supported: readonly string[]): void {
  for (const [name, value] of Object.entries(record)) {
    if (!supported.includes(name) && !isNothing(value)) throw unsupportedField(name, false);
  }
}

function concatenate(store: Store, sources: readonly StoredObject[]): StoredContent {
  const parts = sources.flatMap(({ content, size }) => (content === undefined ? [] : [{ content, size }]));
  const crc32c = sources.reduce(
    (before, source) => combineCrc32c(before, decodeCrc32c(source.crc32c), source.size),
    0,
  );
  return {
    ...(parts.length > 0 && { content: store.contents.compose(parts) }),
    size: parts.reduce((sum, { size }) => sum + size, 0),
    crc32c: encodeCrc32c(crc32c),
    componentCount: sources.reduce((sum, source) => sum + (source.componentCount ?? 1), 0),
  };
}

const text = (value: unknown): string | null =>
  value === undefined || value === null ? null : String(value);
