import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { newFileId } from '../../../shared/files/file-id.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { httpService, type RequestContext } from '../../../shared/http/service.ts';
import { parsePrincipal } from '../../../shared/identity/principal.ts';
import { until } from '../../infra/emulators/storage/emulator-fixture.ts';

type Line = Record<string, unknown> & { audit: Record<string, unknown> };

describe('the audit of a request', () => {
  const lines: Line[] = [];
  // Even where nothing else is logged.
  const log = pino({ level: 'silent' }, { write: (line) => void lines.push(JSON.parse(line)) });
  const owner = parsePrincipal('org:1') ?? assert.fail();
  const id = newFileId(owner);
  let handler: (exchange: RequestContext) => Promise<void>;
  const service = httpService({
    log,
    project: 'p',
    filesUrl: undefined,
    handler: (exchange) => handler(exchange),
  });
  const server = createServer((request, response) => void service(request, response));
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    lines.length = 0;
  });

  async function auditOf(path: string, headers = {}): Promise<Line> {
    await (await fetch(url() + path, { headers })).text().catch(() => '');
    await until(() => lines.length > 0);
    return lines[0] ?? assert.fail();
  }

  it('is one line, with the trace, of what the handler has filled in', async () => {
    handler = async ({ audit, response }) => {
      Object.assign(audit, {
        action: 'read',
        principal: owner,
        issuer: 'https://i',
        tokenId: 'j',
        bytes: 2,
      });
      response.end('ok');
    };
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const line = await auditOf(`/files/${id}?name=secret`, { traceparent });
    assert.deepEqual(line.audit, {
      action: 'read',
      status: 200,
      complete: true,
      fileId: id,
      principal: 'org:1',
      issuer: 'https://i',
      tokenId: 'j',
      bytes: 2,
    });
    assert.equal(line['logging.googleapis.com/trace'], `projects/p/traces/${'a'.repeat(32)}`);
    assert.equal(lines.length, 1);
  });

  it('says of a refusal which problem it was, and of no id what was asked for', async () => {
    handler = async () => {
      throw new Problem('not-found');
    };
    const { audit } = await auditOf('/files/Bearer%20secret/viewers');
    assert.deepEqual(audit, { action: 'unknown', status: 404, complete: true, problem: 'not-found' });
  });

  it('is written of a fault, and of an answer that breaks off', async () => {
    handler = async () => {
      throw new Error('a fault');
    };
    assert.deepEqual((await auditOf('/')).audit, {
      action: 'unknown',
      status: 500,
      complete: true,
      problem: 'internal',
    });
    lines.length = 0;
    handler = async ({ response }) => {
      response.writeHead(200, { 'content-length': '9' });
      await new Promise((sent) => response.write('short', sent));
      throw new Error('a fault');
    };
    assert.deepEqual((await auditOf('/')).audit, {
      action: 'unknown',
      status: 200,
      complete: false,
      problem: 'internal',
    });
  });

  it('blames a client that went away for a write that it cut', async () => {
    handler = async ({ request, response }) => {
      response.write('half');
      request.socket.destroy();
      throw Object.assign(new Error('write ECANCELED'), { code: 'ECANCELED', syscall: 'write' });
    };
    await assert.rejects(fetch(url()));
    await until(() => lines.length > 0);
    assert.deepEqual(lines[0]?.audit, { action: 'unknown', status: 200, complete: false });
  });

  it('is written of a client that went away before it was answered', async () => {
    let waiting = false;
    handler = async ({ signal }) => {
      waiting = true;
      await once(signal, 'abort');
    };
    const request = send(url());
    request.on('error', () => undefined).end();
    await until(() => waiting);
    request.destroy();
    await until(() => lines.length > 0);
    assert.deepEqual(lines[0]?.audit, { action: 'unknown', complete: false });
  });
});
