import type { Answer } from '../answer.ts';
import { ApiError } from '../api-error.ts';
import { isRecord } from '../json-body.ts';
import type { ServedOperation } from '../operation.ts';
import { OBJECT_FIELDS } from './object-fields.ts';

/** The fields that a selection may name; `any` where they are the client's own or not looked into. */
type Shape = 'any' | { readonly [field: string]: Shape };

/** Selected fields, each with the selection within it; an empty one means all of it. */
type Selection = ReadonlyMap<string, Selection>;

const OBJECT: Shape = Object.fromEntries(
  OBJECT_FIELDS.map((name) => [name, ['metadata', 'acl', 'contexts'].includes(name) ? 'any' : {}]),
);
const OBJECTS: Shape = { kind: {}, nextPageToken: {}, prefixes: {}, items: OBJECT };
const REWRITE: Shape = {
  kind: {},
  totalBytesRewritten: {},
  objectSize: {},
  done: {},
  rewriteToken: {},
  resource: OBJECT,
};

/**
 * Reduces an answer to the fields that a client selected, as `items(name,size),nextPageToken`.
 * Source: https://cloud.google.com/storage/docs/json_api#partial-response
 * @throws ApiError 400
 */
export function selectFields(operation: ServedOperation, fields: string | null, answer: Answer): Answer {
  if (fields === null || answer.status !== 200 || answer.media !== undefined || !answer.body) return answer;
  const selection = parseSelection(fields);
  checkSelection(selection, shapeOf(operation));
  return { ...answer, body: JSON.stringify(select(JSON.parse(answer.body), selection)) };
}

function shapeOf(operation: ServedOperation): Shape {
  if (operation === 'objects.list') return OBJECTS;
  if (operation === 'objects.rewrite') return REWRITE;
  return operation.startsWith('objects.') ? OBJECT : 'any';
}

function parseSelection(text: string): Selection {
  const tokens = text.match(/[^,/()\s]+|[,/()]/g) ?? [];
  let at = 0;
  const list = (): Selection => {
    const selection = new Map<string, Selection>();
    do {
      const [name, inner] = path();
      selection.set(name, new Map([...(selection.get(name) ?? []), ...inner]));
    } while (tokens[at] === ',' && ++at);
    return selection;
  };
  const path = (): [string, Selection] => {
    const name = tokens[at++];
    if (name === undefined || /^[,/()]$/.test(name)) throw invalidSelection(text);
    if (tokens[at] === '/') {
      at += 1;
      return [name, new Map([path()])];
    }
    if (tokens[at] !== '(') return [name, new Map()];
    at += 1;
    const inner = list();
    if (tokens[at++] !== ')') throw invalidSelection(text);
    return [name, inner];
  };
  const selection = list();
  if (at < tokens.length) throw invalidSelection(text);
  return selection;
}

function checkSelection(selection: Selection, shape: Shape): void {
  if (shape === 'any') return;
  for (const [name, inner] of selection) {
    const within = name === '*' ? Object.values(shape) : [shape[name]];
    for (const each of within) {
      if (each === undefined) throw invalidSelection(name);
      if (name !== '*') checkSelection(inner, each);
    }
  }
}

function select(value: unknown, selection: Selection): unknown {
  if (selection.size === 0) return value;
  if (Array.isArray(value)) return value.map((item) => select(item, selection));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]) => {
      const inner = selection.get(name) ?? selection.get('*');
      return inner === undefined ? [] : [[name, select(field, inner)]];
    }),
  );
}

const invalidSelection = (name: string): ApiError =>
  new ApiError(
    400,
    'invalidParameter',
    `Invalid field selection ${name}`,
    {},
    { locationType: 'parameter', location: 'fields' },
  );
