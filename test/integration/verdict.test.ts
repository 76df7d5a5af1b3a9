import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { verifyVerdict } from '../../client/src/node.ts';
import type { VerdictEnvelope, VerdictStatement } from '../../client/src/verdict.ts';
import { encrypted, zip } from '../../infra/local/samples/zip.ts';
import { Findings } from '../../shared/files/findings.ts';
import { parseSha256 } from '../../shared/files/record.ts';
import { noise } from '../support/noise.ts';
import { type CallInit, EICAR, Service } from '../support/service.ts';

const JOSE = { headers: { accept: 'application/jose' } };

describe('a signed verdict', () => {
  const service = new Service();
  let keys: JSONWebKeySet;
  before(async () => {
    const response = await service.call('GET', '/.well-known/jwks.json', { as: '' });
    assert.equal(response.status, 200);
    keys = (await response.json()) as JSONWebKeySet;
  });

  const get = (id: string, init?: CallInit) => service.call('GET', `/files/${id}/verdict`, init);

  async function decided(bytes: string | Buffer<ArrayBuffer>, headers: Record<string, string> = {}) {
    return service.decided((await service.upload(bytes, headers)).id);
  }

  /** The statement, after somebody else's code has verified it and the schema that it names. */
  async function stated(id: string): Promise<VerdictStatement> {
    const response = await get(id, JOSE);
    assert.equal(response.status, 200, await response.clone().text());
    const { payload } = await compactVerify(await response.text(), createLocalJWKSet(keys), {
      algorithms: ['ES256'],
    });
    const statement = JSON.parse(Buffer.from(payload).toString()) as VerdictStatement;
    const schema = (await (await fetch(statement.predicateType)).json()) as object;
    const ajv = addFormats.default(new Ajv2020({ allErrors: true }));
    const validate = ajv.compile(schema);
    assert.ok(validate(statement.predicate), JSON.stringify(validate.errors));
    return statement;
  }

  async function* piecesOf(bytes: string | Buffer) {
    yield Buffer.from(bytes);
  }

  it('says of a clean file what its status says, and when it was signed', async () => {
    const before = Date.now();
    const { id, sha256 = '', size, scannedAt = '', engine } = await decided('verdict');
    const statement = await stated(id);
    const { issuedAt, ...predicate } = statement.predicate;
    assert.equal(statement._type, 'https://in-toto.io/Statement/v1');
    assert.equal(statement.predicateType, `${service.url}/schemas/verdict.v1.json`);
    assert.deepEqual(statement.subject, [{ name: id, digest: { sha256 } }]);
    assert.equal(sha256, createHash('sha256').update('verdict').digest('hex'));
    assert.deepEqual(predicate, {
      fileId: id,
      verdict: 'clean',
      size,
      scannedAt,
      decidedAt: scannedAt,
      engine,
    });
    assert.ok(Date.parse(issuedAt) >= before && Date.parse(issuedAt) <= Date.now());
  });

  it('tells nothing of the owner, the name and the viewers of a file', async () => {
    const { id } = await decided('whose', {
      'content-disposition': 'attachment; filename="fnr-12345678901.txt"',
      'correlation-id': 'message-1',
    });
    await service.call('PUT', `/files/${id}/viewers/org:222222222`);
    assert.doesNotMatch(
      JSON.stringify(await stated(id)),
      /889640782|fnr|12345678901|222222222|message-1|text\/plain/,
    );
  });

  it('is an envelope of DSSE unless a JWS is asked for', async () => {
    const { id } = await decided('forms');
    for (const [accept, type] of [
      ['*/*', 'application/vnd.dsse.envelope.v1+json'],
      ['application/json', 'application/vnd.dsse.envelope.v1+json'],
      [
        'application/vnd.dsse.envelope.v1+json, application/jose;q=0.5',
        'application/vnd.dsse.envelope.v1+json',
      ],
      ['application/jose', 'application/jose'],
    ] as const) {
      const response = await get(id, { headers: { accept } });
      assert.equal(response.headers.get('content-type'), type, accept);
      assert.match(response.headers.get('vary') ?? '', /Accept/);
      assert.equal(response.headers.get('cache-control'), 'private, no-store');
      const { predicate } = await verifyVerdict(await response.text(), keys, piecesOf('forms'));
      assert.equal(predicate.verdict, 'clean');
    }
  });

  it('says that an earlier scan decided, and when it did', async () => {
    const first = await decided('reused');
    const second = await decided('reused');
    const { predicate } = await stated(second.id);
    assert.equal(predicate.reused, true);
    assert.equal(predicate.scannedAt, first.scannedAt);
    assert.ok(predicate.decidedAt > predicate.scannedAt);
  });

  it('says of malware what was found', async () => {
    const { id, signature } = await decided(EICAR);
    const { predicate } = await stated(id);
    assert.equal(predicate.verdict, 'infected');
    assert.equal(predicate.signature, signature);
    assert.ok(signature);
  });

  it('says why a file could not be scanned', async () => {
    const { id } = await decided(Buffer.from(zip([encrypted('a.txt', Buffer.from('a'), 'secret')])));
    const { verdict, reason, accepted } = (await stated(id)).predicate;
    assert.deepEqual([verdict, reason, accepted], ['unscannable', 'encrypted', false]);
  });

  it('is not given while a file waits for its scan, nor once it is deleted', async () => {
    await service.fault({ operation: 'objects.getMedia', bucket: 'unscanned', effect: { kind: 'stall' } });
    const { id } = await service.upload(noise(200_000, 7));
    const pending = await get(id);
    assert.deepEqual([pending.status, pending.headers.get('retry-after')], [409, '1']);
    assert.match(((await pending.json()) as { type: string }).type, /not-scanned-yet$/);
    await service.clearFaults();
    assert.equal((await service.call('DELETE', `/files/${id}`)).status, 204);
    assert.equal((await get(id)).status, 410);
  });

  it('is never clean where malware was found in the content since', async () => {
    const { id, sha256 = '' } = await decided('late');
    assert.equal((await get(id)).status, 200);
    const digest = parseSha256(sha256) ?? assert.fail();
    const finding = { signature: 'Late.Finding', scannedAt: new Date(), engine: { engine: '1.4.6' } };
    assert.ok(await new Findings(service.bucket('permanent')).add(digest, finding));
    for (const init of [{}, JOSE]) {
      const response = await get(id, init);
      const download = await service.call('GET', `/files/${id}`);
      assert.deepEqual([response.status, await response.json()], [410, await download.json()]);
    }
    // The sweeper then turns the file infected, as a re-scan has it do.
    await new Findings(service.bucket('permanent')).recalls.open(digest);
    assert.ok((await service.sweeper('/sweep')).ok);
    const { state, recalledAt } = await service.status(id);
    assert.equal(state, 'infected');
    const { predicate } = await stated(id);
    assert.deepEqual([predicate.verdict, predicate.signature], ['infected', 'Late.Finding']);
    assert.equal(predicate.recalledAt, recalledAt);
    assert.ok(predicate.recalledAt && predicate.recalledAt <= predicate.issuedAt);
  });

  it('is not given where what is stored is not what was scanned', async () => {
    const { id, sha256 = '' } = await decided('gone');
    const permanent = service.bucket('permanent');
    const [name = ''] = await service.names('permanent', `blobs/sha256/${sha256}`);
    const blob = (await permanent.stat(name)) ?? assert.fail();
    await permanent.delete(name, blob);
    assert.equal((await get(id)).status, 500);
  });

  it('is for a stranger as if there were no file', async () => {
    const { id } = await decided('mine');
    for (const path of [`/files/${id}/verdict`, '/files/nonsense/verdict']) {
      const response = await service.call('GET', path, { as: 'org:111111111' });
      const download = await service.call('GET', `/files/${id}`, { as: 'org:111111111' });
      assert.deepEqual([response.status, await response.text()], [404, await download.text()]);
    }
  });

  it('does not verify with another byte, another verdict, another key, or as something else', async () => {
    const { id } = await decided('genuine');
    const envelope = (await (await get(id)).json()) as VerdictEnvelope;
    const jws = await (await get(id, JOSE)).text();
    const infected = await decided(EICAR);
    const other = (await (await get(infected.id)).json()) as VerdictEnvelope;
    const check = (statement: unknown, bytes = 'genuine', from = keys) =>
      verifyVerdict(
        typeof statement === 'string' ? statement : JSON.stringify(statement),
        from,
        piecesOf(bytes),
      );
    assert.equal((await check(envelope)).subject[0].name, id);
    assert.equal((await check(jws)).subject[0].name, id);

    const changed = Buffer.from(envelope.payload, 'base64').toString().replace('"clean"', '"close"');
    const payload = Buffer.from(changed).toString('base64');
    const [head, body = '', signature] = jws.split('.');
    const altered = [head, Buffer.from(changed).toString('base64url'), signature].join('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', cty: 'vnd.in-toto+json' })).toString('base64url');
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const stranger = { keys: [{ ...keys.keys[0], ...publicKey.export({ format: 'jwk' }) }] };
    for (const [refused, why] of [
      [check(envelope, 'genuinE'), /about other bytes/],
      [check(envelope, 'genuine '), /about other bytes/],
      [check(envelope, ''), /about other bytes/],
      [check({ ...envelope, payload }), /not signed with any of these keys/],
      [check({ ...envelope, signatures: other.signatures }), /not signed/],
      [check({ ...envelope, signatures: [] }), /not signed/],
      [check({ ...envelope, payloadType: 'application/json' }), /neither/],
      [check(envelope, 'genuine', stranger), /not signed/],
      [check(envelope, 'genuine', { keys: [] }), /not signed/],
      [check(altered), /not signed/],
      [check(`${none}.${body}.`), /neither/],
      [check(jws, 'genuinE'), /about other bytes/],
      [check(jws, 'genuine', stranger), /not signed/],
      [check('{"payload"'), /neither/],
      [check(''), /neither/],
    ] as const) {
      await assert.rejects(refused, why);
    }
  });
});

describe('the commands of docs/verdicts.md', () => {
  const service = new Service();
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fileshare-verdict-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('verify an envelope with openssl, and refuse other bytes', async function () {
    for (const tool of ['bash', 'jq', 'openssl', 'sha256sum']) {
      if (spawnSync(tool, ['--version']).error) {
        console.log(`      SKIPPED: there is no ${tool}`);
        return this.skip();
      }
    }
    const page = await readFile(join(import.meta.dirname, '../../docs/verdicts.md'), 'utf8');
    const [, script = ''] = /<!-- tested: openssl -->\n```sh\n(.*?)^```$/ms.exec(page) ?? assert.fail();
    const { id } = await service.upload('Dear colleague');
    await service.decided(id);
    for (const [name, path] of [
      ['verdict.json', `/files/${id}/verdict`],
      ['keys.json', '/.well-known/jwks.json'],
    ] as const)
      await writeFile(join(folder, name), await (await service.call('GET', path)).text());
    const check = async (letter: string) => {
      await writeFile(join(folder, 'letter.pdf'), letter);
      return spawnSync('bash', ['-c', `set -euo pipefail\n${script}`], { cwd: folder, encoding: 'utf8' });
    };
    const good = await check('Dear colleague');
    assert.equal(good.status, 0, good.stderr);
    assert.match(good.stdout, /^Verified OK\nletter\.pdf: OK\n\{\n {2}"fileId"/);
    const bad = await check('Dear colleague!');
    assert.notEqual(bad.status, 0);
    assert.match(bad.stdout, /^Verified OK\nletter\.pdf: FAILED\n/);
  });
});

describe('a deployment without a key', () => {
  const service = new Service(
    {},
    {
      adapt: (spec) => {
        const { VERDICT_KEY: _, ...env } = spec.env;
        return { ...spec, env };
      },
    },
  );

  it('says that it signs no verdicts, to those who may see the file', async () => {
    const { id } = await service.upload('unsigned');
    await service.decided(id);
    for (const [path, init] of [
      [`/files/${id}/verdict`, {}],
      ['/.well-known/jwks.json', { as: '' }],
    ] as const) {
      const response = await service.call('GET', path, init);
      assert.equal(response.status, 404);
      assert.match(((await response.json()) as { type: string }).type, /verdicts-not-signed$/);
    }
    assert.equal((await service.call('GET', `/files/${id}/verdict`, { as: '' })).status, 401);
  });
});
