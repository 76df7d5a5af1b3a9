import { readFile } from 'node:fs/promises';
import type { EventName } from '../../../shared/events/cloud-event.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { PUBLIC, sendJson } from '../../../shared/http/respond.ts';
import type { Route } from '../router.ts';
import type { PREDICATE_SCHEMA } from '../verdicts/statement.ts';

const SCHEMA_TYPE = 'application/schema+json';

/** Where the schemas of events are in the repository, as asyncapi.yaml refers to them, and here. */
const SCHEMAS_IN_REPOSITORY = './shared/events/schemas/';
const SCHEMAS_PATH = './schemas/';

/** Loaded when one is asked for. */
const SCHEMAS = {
  'file.deleted.v1.json': () =>
    import('../../../shared/events/schemas/file.deleted.v1.json', { with: { type: 'json' } }),
  'file.downloaded.v1.json': () =>
    import('../../../shared/events/schemas/file.downloaded.v1.json', { with: { type: 'json' } }),
  'file.expiring.v1.json': () =>
    import('../../../shared/events/schemas/file.expiring.v1.json', { with: { type: 'json' } }),
  'file.recalled.v1.json': () =>
    import('../../../shared/events/schemas/file.recalled.v1.json', { with: { type: 'json' } }),
  'file.released.v1.json': () =>
    import('../../../shared/events/schemas/file.released.v1.json', { with: { type: 'json' } }),
  'file.shared.v1.json': () =>
    import('../../../shared/events/schemas/file.shared.v1.json', { with: { type: 'json' } }),
  'scan.completed.v1.json': () =>
    import('../../../shared/events/schemas/scan.completed.v1.json', { with: { type: 'json' } }),
  'scan.failed.v1.json': () =>
    import('../../../shared/events/schemas/scan.failed.v1.json', { with: { type: 'json' } }),
  'verdict.changed.v1.json': () =>
    import('../../../shared/events/schemas/verdict.changed.v1.json', { with: { type: 'json' } }),
  'erasure.v1.json': () => import('../../../shared/signing/erasure.v1.json', { with: { type: 'json' } }),
  'verdict.v1.json': () => import('../verdicts/verdict.v1.json', { with: { type: 'json' } }),
} satisfies Record<`${EventName}.json` | typeof PREDICATE_SCHEMA | 'erasure.v1.json', () => Promise<unknown>>;

/** A document of the repository as JSON, for everybody: it says nothing about anybody. */
function documented(source: URL): Route {
  let document: Promise<unknown> | undefined;
  return async ({ response }) => {
    // Parsed when it is first asked for: the parser is not worth its time at every cold start.
    document ??= Promise.all([import('yaml'), readFile(source, 'utf8')]).then(([{ parse }, text]) =>
      parse(text.replaceAll(SCHEMAS_IN_REPOSITORY, SCHEMAS_PATH)),
    );
    sendJson(response, 200, 'application/json', await document, PUBLIC);
  };
}

export const getOpenApi = documented(new URL('../../../openapi.yaml', import.meta.url));
export const getAsyncApi = documented(new URL('../../../asyncapi.yaml', import.meta.url));

/** The schema of an event's data, at the address that `ce-dataschema` names, or of a statement's predicate. @throws {Problem} 404 */
export const getSchema: Route = async ({ response }, name) => {
  if (!Object.hasOwn(SCHEMAS, name)) throw new Problem('not-found');
  const { default: schema } = await SCHEMAS[name as keyof typeof SCHEMAS]();
  sendJson(response, 200, SCHEMA_TYPE, schema, PUBLIC);
};
