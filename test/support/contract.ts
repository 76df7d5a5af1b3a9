import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

interface Media {
  readonly schema?: unknown;
}
interface Answer {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean; readonly $ref?: string }>>;
  readonly content?: Readonly<Record<string, Media>>;
}
interface Operation {
  readonly responses: Readonly<Record<string, Answer>>;
}

const ROOT = 'openapi.yaml';

const document = parse(readFileSync(new URL(`../../${ROOT}`, import.meta.url), 'utf8')) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};
const ajv = new Ajv2020({ strict: false, allErrors: true, schemas: { [ROOT]: document } });
addFormats.default(ajv);

const paths = Object.entries(document.paths).map(([template, operations]) => ({
  template,
  shape: new RegExp(`^${template.replace('{uri}', '.+').replace(/\{[^}]+\}/g, '[^/]+')}$`),
  operations,
}));

/**
 * Deviations of an answer from openapi.yaml. A path or method that the document does not have must be refused.
 * @param path as it was requested, with or without a query
 */
export async function outsideContract(method: string, path: string, response: Response): Promise<string[]> {
  const [sent = ''] = path.split('?');
  const pathname = sent.startsWith('/uploads/') ? sent.replace(/\/$/, '') : sent;
  if (pathname.startsWith('/local/') || pathname === '/') return [];
  const found =
    paths.find(({ template }) => template === pathname) ?? paths.find(({ shape }) => shape.test(pathname));
  const known = found && operationOf(found.operations, method.toLowerCase());
  if (!found || !known) return response.status === 404 || response.status === 405 ? [] : ['not in it'];
  const { name, operation } = known;
  if (await isOfGateway(response)) return [];
  const pointer = ['paths', found.template, name, 'responses', String(response.status)];
  const answer = operation.responses[response.status] && resolved<Answer>(pointer);
  if (!answer) return [`no status ${response.status}`];
  return [...missingHeaders(answer.value, response), ...(await wrongBody(answer, method, response))];
}

/** HEAD is answered as GET is, without the body (RFC 9110 section 9.3.2), where the document does not tell it apart. */
function operationOf(operations: Readonly<Record<string, Operation>>, method: string) {
  const name = method === 'head' && !operations['head'] ? 'get' : method;
  const operation = operations[name];
  return operation && { name, operation };
}

/** No function was there to answer: the contract is theirs. */
async function isOfGateway(response: Response): Promise<boolean> {
  if (response.status !== 502 && response.status !== 503) return false;
  return ((await response.clone().json()) as { type?: string }).type === 'about:blank';
}

function missingHeaders({ headers = {} }: Answer, response: Response): string[] {
  return Object.entries(headers).flatMap(([name, header]) => {
    const { required } = header.$ref ? resolved<{ required?: boolean }>(segments(header.$ref)).value : header;
    return required && !response.headers.has(name) ? [`no ${name}`] : [];
  });
}

async function wrongBody(answer: Resolved<Answer>, method: string, response: Response): Promise<string[]> {
  if (method === 'HEAD' || response.status === 304) return [];
  const { content } = answer.value;
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  if (!content) return response.headers.get('content-length') === '0' || type === '' ? [] : ['a body'];
  const media = content[type] ? type : '*/*';
  if (!content[media]) return [`content type ${type}`];
  // The schema of anything else says that it is bytes.
  if (!media.endsWith('json') || !content[media].schema) return [];
  const schema = `${ROOT}#/${[...answer.pointer, 'content', media, 'schema'].map(escaped).join('/')}`;
  const validate = ajv.getSchema(schema) ?? ajv.compile({ $ref: schema });
  const body: unknown = await response.clone().json();
  if (validate(body)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message }) => `${instancePath} ${message} in ${JSON.stringify(body).slice(0, 200)}`,
  );
}

interface Resolved<T> {
  readonly value: T;
  readonly pointer: readonly string[];
}

function resolved<T>(pointer: readonly string[]): Resolved<T> {
  let value: unknown = document;
  for (const segment of pointer) value = (value as Record<string, unknown>)[segment];
  const ref = (value as { $ref?: string }).$ref;
  return ref ? resolved(segments(ref)) : { value: value as T, pointer };
}

function segments(ref: string): string[] {
  return ref
    .slice(2)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function escaped(segment: string): string {
  return encodeURIComponent(segment.replaceAll('~', '~0').replaceAll('/', '~1'));
}
