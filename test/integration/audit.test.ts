import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { newFileId } from '../../shared/files/file-id.ts';
import { parsePrincipal } from '../../shared/identity/principal.ts';
import { eventually, OWNER, Service } from '../support/service.ts';

interface AuditLine {
  readonly severity: string;
  readonly message: string;
  readonly audit?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

const STRANGER = 'org:111111111';
const FILE_NAME = 'journal-of-kari-nordmann.pdf';

describe('the audit log', () => {
  const service = new Service({ LOG_LEVEL: 'trace' });
  const folder = () => join(service.platform.status().data, 'logs');
  let traces = 0;

  /** The audit lines of the request with this trace. */
  async function audited(name: 'upload' | 'files', trace: string): Promise<AuditLine> {
    return eventually(async () => {
      const lines = readFileSync(join(folder(), `${name}.log`), 'utf8').split('\n');
      const found = lines
        .filter((line) => line.startsWith('{') && line.includes(trace))
        .map((line) => JSON.parse(line) as AuditLine)
        .filter(({ message }) => message === 'audit');
      assert.ok(found.length <= 1, 'one line a request');
      return found[0];
    });
  }

  /** Sends a request, and reads what the log says of it. */
  async function audit(
    method: string,
    path: string,
    init: Parameters<Service['call']>[2] = {},
  ): Promise<{ line: AuditLine; response: Response }> {
    const trace = (++traces).toString(16).padStart(32, 'a');
    const headers = { ...init.headers, traceparent: `00-${trace}-00000000000000b1-01` };
    const response = await service.call(method, path, { ...init, headers });
    const name = path === '/files' ? 'upload' : 'files';
    const body = await response.text();
    return { line: await audited(name, trace), response: new Response(body || null, { status: 200 }) };
  }

  it('says who uploaded, asked and read what, when, with which outcome', async () => {
    const bytes = randomBytes(1000);
    const disposition = `attachment; filename="${FILE_NAME}"`;
    const upload = await audit('POST', '/files', {
      body: bytes,
      headers: { 'content-disposition': disposition, prefer: 'wait=30' },
    });
    const { id } = (await upload.response.json()) as { id: string };
    const who = { fileId: id, principal: OWNER, issuer: `${service.url}/local/issuer` };
    const { audit: uploaded, severity, time } = upload.line;
    assert.deepEqual(uploaded, {
      action: 'upload',
      status: 201,
      complete: true,
      ...who,
      ...tokenOf(uploaded),
    });
    assert.equal(severity, 'INFO');
    assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
    assert.match(
      String(upload.line['logging.googleapis.com/trace']),
      /^projects\/[^/]+\/traces\/a+[0-9a-f]+$/,
    );

    for (const [method, path, headers, expected] of [
      ['GET', `/files/${id}`, {}, { action: 'read', status: 200, bytes: 1000 }],
      ['GET', `/files/${id}`, { range: 'bytes=0-9' }, { action: 'read', status: 206, bytes: 10 }],
      ['HEAD', `/files/${id}`, {}, { action: 'read', status: 200, bytes: 0 }],
      ['GET', `/files/${id}`, { 'if-none-match': '*' }, { action: 'read', status: 304, bytes: 0 }],
      ['GET', `/files/${id}/status?q=${FILE_NAME}`, {}, { action: 'status', status: 200 }],
    ] as const) {
      const { line } = await audit(method, path, { headers });
      assert.deepEqual(line.audit, { ...expected, complete: true, ...who, ...tokenOf(line.audit) });
    }
  });

  it('has the scan of a file too, in the name of nobody', async () => {
    const { id } = await service.upload(randomBytes(10));
    await service.decided(id);
    const line = await eventually(async () =>
      readFileSync(join(folder(), 'scanner.log'), 'utf8')
        .split('\n')
        .find((text) => text.includes('"action":"scan"') && text.includes(id)),
    );
    const { audit: scan } = JSON.parse(line) as AuditLine;
    assert.deepEqual(scan, { action: 'scan', status: 204, complete: true, fileId: id });
  });

  it('says of a refusal why, and names a file only by what has the shape of an id', async () => {
    const owner = parsePrincipal(OWNER);
    assert.ok(owner);
    const id = newFileId(owner);
    for (const [method, path, init, expected] of [
      [
        'GET',
        `/files/${id}`,
        { as: STRANGER },
        { action: 'read', status: 404, principal: STRANGER, fileId: id },
      ],
      ['GET', `/files/${FILE_NAME}`, { as: STRANGER }, { action: 'read', status: 404, principal: STRANGER }],
      ['GET', `/files/${id}`, { as: '' }, { action: 'read', status: 401, fileId: id }],
      ['DELETE', `/files/${id}/elsewhere`, { as: '' }, { action: 'unknown', status: 404, fileId: id }],
      ['POST', '/files', { as: '' }, { action: 'upload', status: 401 }],
      ['POST', '/files', { scopes: ['read'] }, { action: 'upload', status: 403, principal: OWNER }],
      [
        'POST',
        '/files',
        { headers: { 'content-type': 'x' } },
        { action: 'upload', status: 400, principal: OWNER },
      ],
    ] as const) {
      const body = method === 'POST' ? { body: 'x' } : {};
      const { line } = await audit(method, path, { ...init, ...body } as Parameters<Service['call']>[2]);
      const { problem, complete, issuer, tokenId, ...said } = line.audit ?? {};
      assert.deepEqual(said, expected, `${method} ${path}`);
      assert.deepEqual([typeof problem, complete], ['string', true]);
      const known = 'principal' in expected;
      assert.deepEqual([issuer !== undefined, tokenId !== undefined], [known, known]);
    }
  });

  it('says of a client that went away how much it got, and the read from Cloud Storage ends', async () => {
    const size = 30 * 2 ** 20;
    const { id } = await service.upload(Buffer.alloc(size, 7));
    await service.decided(id);
    await service.resetOperations();
    const trace = 'c'.repeat(32);
    const authorization = `Bearer ${await service.platform.token(OWNER)}`;
    const gone = new AbortController();
    const response = await fetch(`${service.url}/files/${id}`, {
      headers: { authorization, traceparent: `00-${trace}-00000000000000b1-01` },
      signal: gone.signal,
    });
    await response.body?.getReader().read();
    gone.abort();
    const { audit: line = {} } = await audited('files', trace);
    assert.deepEqual([line['action'], line['status'], line['complete']], ['read', 200, false]);
    assert.ok(Number(line['bytes']) > 0 && Number(line['bytes']) < size);
    // It counts what it sent of a read once that read is over.
    const { bytesOut } = await eventually(async () => {
      const media = (await service.operations()).operations['objects.getMedia'];
      return media && media.bytesOut > 0 && media;
    });
    assert.ok(bytesOut < size, `${bytesOut} bytes were read`);
  });

  it('says of a broken answer that it is not complete, and which fault it was', async () => {
    const bytes = randomBytes(500_000);
    const { id } = await service.upload(bytes);
    await service.decided(id);
    await service.fault({ operation: 'objects.getMedia', effect: { kind: 'corrupt' } });
    const trace = 'd'.repeat(32);
    const headers = { traceparent: `00-${trace}-00000000000000b1-01` };
    const response = await service.call('GET', `/files/${id}`, { headers });
    await assert.rejects(response.arrayBuffer());
    await service.clearFaults();
    const { audit: line = {} } = await audited('files', trace);
    assert.deepEqual([line['status'], line['complete'], line['problem']], [200, false, 'internal']);
    assert.ok(Number(line['bytes']) < bytes.length);
  });

  it('holds no token and no file name, nor does any other line of any log', async () => {
    const token = await service.platform.token(OWNER);
    const [head = '', payload = '', signature = ''] = token.split('.');
    const logs = readdirSync(folder()).map((name) => readFileSync(join(folder(), name), 'utf8'));
    assert.ok(logs.join('').includes('"audit"'));
    for (const log of logs) {
      for (const secret of [token, head, payload.slice(0, 40), signature, FILE_NAME, 'kari', 'Bearer ']) {
        assert.ok(!log.includes(secret), secret);
      }
    }
  });
});

/** The token id of the line, which is that of no other token. */
function tokenOf(audit: AuditLine['audit']): { tokenId: unknown } {
  const tokenId = audit?.['tokenId'];
  assert.match(String(tokenId), /^[0-9a-f-]{36}$/);
  return { tokenId };
}
