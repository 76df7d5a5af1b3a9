import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { join } from 'node:path';
import { PROBLEMS } from '../../shared/http/problems.ts';
import { fhirFaults } from '../support/fhir-faults.ts';
import { EICAR, eventually, Service } from '../support/service.ts';

const DOCS = join(import.meta.dirname, '../../docs');
const BLOCK = /^(<!-- example: ([\w-]+) -->\n```(?:json|http)\n)(.*?)^```$/gms;
const SHOWN = [
  'location',
  'retry-after',
  'preference-applied',
  'content-type',
  'content-disposition',
  'etag',
  'last-modified',
  'repr-digest',
];
/** The values that the pages have in place of those that differ from run to run. */
const ID = 'dul5o97iubnr643anjrka7ngal8gr9hlvnloro5f8vi';
const CREATED = '2026-11-23T18:14:35.944Z';
const SCANNED = '2026-11-23T18:14:36.369Z';
const GENERATION = String(Date.parse(CREATED) * 1000);

/** Replaces in an example what differs from run to run, each only if it has the shape that it should have. */
function steady(text: string, id: string, url: string): string {
  return text
    .replaceAll(id, ID)
    .replaceAll(url, 'https://fileshare.example.org')
    .replaceAll(/("(?:createdAt|creation)": )"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z"/g, `$1"${CREATED}"`)
    .replaceAll(/("(?:scannedAt|ce-time)": )"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z"/g, `$1"${SCANNED}"`)
    .replaceAll(new RegExp(`("ce-id": "${ID}/)\\d{13,}"`, 'g'), `$1${GENERATION}"`)
    .replaceAll(/("engine": \{\s*"version": )"\d+\.\d+\.\d+[^"]*"/g, '$1"1.4.6"')
    .replaceAll(/^(Last-Modified: ).* GMT$/gm, `$1${new Date(SCANNED).toUTCString()}`)
    .replaceAll(/^(ETag: )"(?!\w{64}").*"$/gm, '$1"…"');
}

const named = (header: string) =>
  header === 'etag' ? 'ETag' : header.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

async function shown(response: Response): Promise<string> {
  const body = await response.text();
  const lines = SHOWN.flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [`${named(name)}: ${value}`];
  });
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  const content = isJson ? JSON.stringify(JSON.parse(body), null, 2) : body.trimEnd();
  const head = `HTTP/1.1 ${response.status} ${STATUS_CODES[response.status]}`;
  return `${[head, ...lines, ...(content ? ['', content] : [])].join('\n')}\n`;
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

describe('examples in the documentation', () => {
  const service = new Service();
  /** The texts from the service, by the name of the example. */
  const actual = new Map<string, string>();

  before(async () => {
    const keep = (name: string, text: string, id = 'no id') =>
      actual.set(name, steady(text, id, service.url));
    process.kill(service.pid('scanner'), 'SIGSTOP');
    const uploaded = await service.call('POST', '/files', {
      body: 'Hello\n',
      headers: {
        'content-type': 'text/plain',
        'content-disposition': 'attachment; filename="hello.txt"',
        'idempotency-key': '5f0c1c2e-message-17-attachment-1',
        'correlation-id': 'message-17/attachment-1',
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      },
    });
    const upload = await shown(uploaded);
    const id = /"id": "(\w+)"/.exec(upload)?.[1] ?? '';
    const path = `/files/${id}`;
    keep('upload', upload, id);
    keep('not-scanned-yet', await shown(await service.call('GET', path)), id);
    process.kill(service.pid('scanner'), 'SIGCONT');
    await service.decided(id);
    const wait = { headers: { prefer: 'wait=10' } };
    keep('status', await shown(await service.call('GET', `${path}/status`, wait)), id);
    const eventOf = (file: string) =>
      eventually(async () => (await service.events()).find(({ data }) => data.fileId === file));
    keep('event', json((await eventOf(id)).data), id);
    keep('share', await shown(await service.call('PUT', `${path}/viewers/org:974760673`)), id);
    keep('download', await shown(await service.call('GET', path)), id);
    const accept = { headers: { accept: 'application/fhir+json' } };
    const attachment = await (await service.call('GET', `${path}/status`, accept)).json();
    const content = [{ attachment }];
    const subject = { reference: 'Patient/example' };
    const document = { resourceType: 'DocumentReference', status: 'current', subject, content };
    assert.deepEqual(fhirFaults(document), []);
    keep('fhir', json(document), id);
    const reference = `${path}/references/${encodeURIComponent('https://fhir.example.org/DocumentReference/1')}`;
    keep('reference', await shown(await service.call('PUT', reference)), id);
    assert.equal((await service.call('DELETE', path)).status, 409);
    await service.call('DELETE', reference);
    keep('delete', await shown(await service.call('DELETE', path)), id);

    const eicar = await service.upload(EICAR, {
      'content-type': 'application/pdf',
      'correlation-id': 'message-17/attachment-2',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    });
    await service.decided(eicar.id);
    keep('infected', await shown(await service.call('GET', `/files/${eicar.id}`)), eicar.id);
    const { attributes, data } = await eventOf(eicar.id);
    keep('message', json({ attributes, data }), eicar.id);
    keep('not-found', await shown(await service.call('GET', `/files/${ID}`)));
  });

  for (const page of ['consumers-guide.md', 'events.md', 'fhir.md']) {
    it(`are what the service answers, in ${page} (UPDATE_EXAMPLES=1 writes them)`, () => {
      const path = join(DOCS, page);
      const text = readFileSync(path, 'utf8');
      const current = text.replaceAll(BLOCK, (_, opening: string, name: string) => {
        const example = actual.get(name);
        assert.ok(example, `there is no example ${name}`);
        return `${opening}${example}\`\`\``;
      });
      assert.match(text, new RegExp(BLOCK.source, 'ms'));
      if (process.env['UPDATE_EXAMPLES']) writeFileSync(path, current);
      else assert.equal(text, current);
    });
  }

  it('has each of them on a page', () => {
    const pages = ['consumers-guide.md', 'events.md', 'fhir.md'].map((page) =>
      readFileSync(join(DOCS, page), 'utf8'),
    );
    const used = pages.flatMap((text) => [...text.matchAll(BLOCK)].map(([, , name]) => name));
    assert.deepEqual(used.sort(), [...actual.keys()].sort());
  });
});

describe("the table of failures in the consumer's guide", () => {
  it('has problems that there are, with their statuses', () => {
    const page = readFileSync(join(DOCS, 'consumers-guide.md'), 'utf8');
    const rows = [...page.matchAll(/^\| [\w, ]+ \| ([\d, ]+) \| (`[^|]+`) \|/gm)];
    assert.ok(rows.length > 10);
    for (const [, statuses = '', types = ''] of rows) {
      for (const [, type = ''] of types.matchAll(/`([\w-]+)`/g)) {
        const problem = PROBLEMS[type as keyof typeof PROBLEMS];
        assert.ok(problem, type);
        assert.ok(statuses.split(', ').includes(String(problem.status)), `${type} is ${problem.status}`);
      }
    }
  });
});
