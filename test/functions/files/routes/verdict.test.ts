import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { getVerdictKeys } from '../../../../functions/files/routes/verdict.ts';
import type { Verdicts } from '../../../../functions/files/verdicts/connect.ts';
import { httpService } from '../../../../shared/http/service.ts';
import { KmsKey } from '../../../../shared/signing/kms-key.ts';
import { StatementSigner } from '../../../../shared/signing/signer.ts';
import { Transport } from '../../../../shared/storage/transport.ts';
import { FakeKms, refusal, TOKEN, VERSION } from '../../../shared/signing/fake-kms.ts';
import { FAST_RETRY } from '../../../shared/storage/streams.ts';

describe('the public keys of statements', () => {
  const kms = new FakeKms();
  const lines: string[] = [];
  const log = pino({ level: 'error' }, { write: (line) => void lines.push(line) });
  let verdicts: Verdicts | undefined;
  const service = httpService({
    log,
    project: 'p',
    filesUrl: undefined,
    handler: (context) => getVerdictKeys({ verdicts })(context, '', ''),
  });
  const server = createServer((request, response) => void service(request, response));
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
    const key = new KmsKey({
      transport: new Transport(kms.endpoint, async () => new Headers({ authorization: TOKEN })),
      version: VERSION,
      timeoutMs: 5_000,
      retry: FAST_RETRY,
    });
    verdicts = { signer: new StatementSigner(key), filesUrl: 'https://files.example.org' };
  });

  const get = () => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const problemOf = async (response: Response) =>
    ((await response.json()) as { type: string }).type.replace(/.*\//, '');

  it('are for everybody, who may keep them for a while', async () => {
    const response = await get();
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'application/jwk-set+json');
    assert.equal(response.headers.get('cache-control'), 'public, max-age=300');
    assert.equal(response.headers.get('access-control-allow-origin'), '*');
    const { keys } = (await response.json()) as { keys: { x: string }[] };
    assert.deepEqual(
      keys.map(({ x }) => x),
      [kms.key.publicKey.export({ format: 'jwk' }).x],
    );
    await (await get()).text();
    assert.deepEqual(kms.calls, ['getPublicKey']);
  });

  it('are unavailable while Cloud KMS does not answer, and are asked for again', async () => {
    for (let i = 0; i < FAST_RETRY.attempts; i++) kms.next.push(() => refusal(503, 'UNAVAILABLE'));
    const response = await get();
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '5']);
    assert.equal(await problemOf(response), 'unavailable');
    assert.equal((await get()).status, 200);
  });

  it('are a fault of ours, which the log explains, where the key may not be used', async () => {
    kms.next.push(() => refusal(403, 'PERMISSION_DENIED', 'viewPublicKey denied'));
    const denied = await get();
    assert.deepEqual([denied.status, await problemOf(denied)], [500, 'internal']);
    assert.match(
      lines.join(''),
      /kms\.getPublicKey: 403 PERMISSION_DENIED: viewPublicKey denied Resource: .*cryptoKeys/,
    );
    kms.state = 'DISABLED';
    assert.equal((await get()).status, 500);
    assert.match(lines.join(''), /current state is: DISABLED/);
  });

  it('are a fault of ours where the key is of another algorithm', async () => {
    kms.algorithm = 'RSA_SIGN_PSS_2048_SHA256';
    assert.equal((await get()).status, 500);
    assert.match(lines.join(''), /VERDICT_KEY is of RSA_SIGN_PSS_2048_SHA256/);
  });

  it('are not there where the deployment signs nothing', async () => {
    verdicts = undefined;
    const response = await get();
    assert.deepEqual([response.status, await problemOf(response)], [404, 'verdicts-not-signed']);
  });
});
