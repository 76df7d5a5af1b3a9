import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as v from 'valibot';
import { StorageError } from '../../../shared/storage/error.ts';
import { IamSigner, signingKeySchema } from '../../../shared/storage/signer.ts';
import { FAST_RETRY } from './streams.ts';

interface Seen {
  readonly url: string | undefined;
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe('signing by IAM', () => {
  const seen: Seen[] = [];
  /** Answers of the stand-in for the Service Account Credentials API, one after the other. */
  const answers: { status: number; body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += String(piece);
    seen.push({ url: request.url, method: request.method, headers: request.headers, body });
    const answer = answers.shift() ?? { status: 500, body: {} };
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  });
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    seen.length = 0;
    answers.length = 0;
  });

  const signer = (email = async () => 'files@project.iam.gserviceaccount.com') =>
    new IamSigner({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      authorize: async () => new Headers({ authorization: 'Bearer access-token' }),
      email,
      timeoutMs: 5_000,
      retry: FAST_RETRY,
    });
  const signed = {
    status: 200,
    body: { keyId: 'k', signedBlob: Buffer.from('signature').toString('base64') },
  };

  it('sends the string to signBlob of the account, with our credentials', async () => {
    answers.push(signed);
    assert.equal(Buffer.from(await signer().sign('the string')).toString(), 'signature');
    const [request] = seen;
    assert.equal(request?.method, 'POST');
    assert.equal(
      request?.url,
      '/v1/projects/-/serviceAccounts/files%40project.iam.gserviceaccount.com:signBlob',
    );
    assert.equal(request?.headers.authorization, 'Bearer access-token');
    assert.deepEqual(JSON.parse(request?.body ?? ''), {
      payload: Buffer.from('the string').toString('base64'),
    });
  });

  it('is tried again where IAM cannot answer right now', async () => {
    answers.push({ status: 503, body: {} }, signed);
    await signer().sign('the string');
    assert.equal(seen.length, 2);
  });

  it('is refused at once, as a fault of ours, where the account may not', async () => {
    answers.push({
      status: 403,
      body: { error: { message: 'Permission iam.serviceAccounts.signBlob denied' } },
    });
    await assert.rejects(
      signer().sign('x'),
      (error) => error instanceof StorageError && error.status === 403 && !error.transient,
    );
    assert.equal(seen.length, 1);
  });

  it('never takes an answer without a signature for one', async () => {
    for (let i = 0; i < FAST_RETRY.attempts; i++) answers.push({ status: 200, body: { signedBlob: '' } });
    await assert.rejects(signer().sign('x'), /no signedBlob/);
  });

  it('asks for the account again where it could not be had', async () => {
    let asked = 0;
    const late = signer(async () => {
      if (++asked === 1) throw new Error('no metadata server yet');
      return 'a@b';
    });
    await assert.rejects(late.email(), StorageError);
    assert.deepEqual([await late.email(), await late.email(), asked], ['a@b', 'a@b', 2]);
  });

  it('by a key: what is no RSA key is refused when it is configured, without showing it', () => {
    const { issues = [] } = v.safeParse(signingKeySchema, {
      client_email: 'a@b',
      private_key: 'secret stuff',
    });
    assert.equal(issues.map(({ message }) => message).join(), 'should be a private key in PEM');
  });
});
