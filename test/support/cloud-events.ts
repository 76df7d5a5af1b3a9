import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { CloudEvent } from 'cloudevents';
import { addressed, type EventMessage } from '../../shared/events/cloud-event.ts';

const FOLDER = join(import.meta.dirname, '../../shared/events/schemas');
const PREFIX = 'ce-';
/** Those of CloudEvents 1.0, required or not, and of ours that each event must have. */
const REQUIRED = ['specversion', 'id', 'source', 'type', 'subject', 'time', 'dataschema'];

interface EventSchema {
  readonly $id: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly examples: readonly unknown[];
}

/** Schemas by their `$id`, which is the `dataschema` of the events. */
export const schemas: ReadonlyMap<string, EventSchema> = new Map(
  globSync('*.json', { cwd: FOLDER }).map((file) => {
    const schema = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as EventSchema;
    return [schema.$id, schema];
  }),
);

// Strict: a keyword that is misspelt would check nothing.
const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true });
addFormats.default(ajv);
for (const schema of schemas.values()) ajv.addSchema(schema);

export interface Received {
  readonly attributes: Readonly<Record<string, string>>;
  /** Parsed JSON. */
  readonly data: unknown;
}

/** A message as the subscribers of some deployment get it. */
export function published(message: EventMessage): EventMessage {
  let sent = message;
  void addressed(async (event) => {
    sent = event;
  }, 'https://fileshare.example.org')(message);
  return sent;
}

/** The CloudEvent in a message, by the SDK. @throws {ValidationError} where it is none */
export function cloudEventOf({ attributes, data }: Received): CloudEvent<unknown> {
  const context = Object.entries(attributes).flatMap(([name, value]) =>
    name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), value]] : [],
  );
  return new CloudEvent({
    ...Object.fromEntries(context),
    ...(attributes['content-type'] && { datacontenttype: attributes['content-type'] }),
    data,
  });
}

/** Deviations of a message from CloudEvents 1.0, its Pub/Sub binding and our own schemas. */
export function outsideCloudEvents(message: Received): string[] {
  const { attributes, data } = message;
  // The SDK would fill some of them in.
  const missing = REQUIRED.filter((name) => !attributes[PREFIX + name]);
  if (missing.length > 0) return missing.map((name) => `no ${PREFIX}${name}`);
  return [...invalid(message), ...outsideSchema(schemaOf(attributes), data), ...unlike(message)];
}

/** The `$id` of the schema: an event that was published has it below the address of its deployment. */
function schemaOf({ 'ce-dataschema': dataschema = '' }: Received['attributes']): string {
  return dataschema.replace(/^https?:\/\/[^/]+/, '');
}

function invalid(message: Received): string[] {
  try {
    const { datacontenttype } = cloudEventOf(message);
    return datacontenttype === 'application/json' ? [] : [`content-type ${datacontenttype}`];
  } catch (error) {
    return [(error as Error).message];
  }
}

/** Subscribers must bear members that the schema does not know (docs/events.md); we may not send any. */
export function outsideSchema(id: string, data: unknown): string[] {
  if (!schemas.has(id)) return [`no schema ${id}`];
  const key = `${id}:closed`;
  const validate =
    ajv.getSchema(key) ?? ajv.compile({ $id: key, $ref: id, type: 'object', unevaluatedProperties: false });
  if (validate(data)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** Filters and programs must see the same. */
function unlike({ attributes, data }: Received): string[] {
  const { fileId, sha256, ...members } = data as Record<string, unknown>;
  const name = attributes['eventType'] ?? '';
  const expected: Record<string, unknown> = {
    // The SDK takes any.
    'ce-specversion': '1.0',
    'ce-type': `no.nav.hops.fileshare.${name}`,
    'ce-subject': fileId ?? sha256,
    verdict: members['verdict'],
    owner: members['owner'],
    correlationId: members['correlationId'],
  };
  if (schemaOf(attributes) !== `/schemas/${name}.json`) return [`ce-dataschema of ${name}`];
  return Object.entries(expected).flatMap(([key, value]) =>
    attributes[key] === value ? [] : [`${key} is ${attributes[key]}, not ${String(value)}`],
  );
}
