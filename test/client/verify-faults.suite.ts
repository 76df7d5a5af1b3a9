import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import type { Meddler, Relay } from '../support/relay.ts';
import { Service } from '../support/service.ts';
import { TwoHosts } from '../support/two-hosts.ts';
import { MIB } from './fixture.ts';
import {
  complaint,
  document,
  left,
  notHeld,
  OTHER,
  SUBSCRIPTION,
  type Verified,
  verify,
} from './verify-fixture.ts';

describe('client: verify, and what goes wrong', () => {
  describe('at two addresses', () => {
    const { service, upload, files } = new TwoHosts();
    const addresses = () => ['--upload-url', upload.url, '--files-url', files.url];
    afterEach(async () => {
      upload.meddler = undefined;
      files.meddler = undefined;
      assert.deepEqual(await left(service), []);
    });

    async function meddled(relay: Relay, meddler: Meddler): Promise<Verified> {
      relay.meddler = meddler;
      return document(service, addresses());
    }

    it('finds all promises held', async () => {
      const found = await document(service, [...addresses(), ...SUBSCRIPTION]);
      assert.deepEqual(
        [found.held, new Set(found.promises.map(({ outcome }) => outcome))],
        [true, new Set(['held'])],
      );
      assert.ok(found.promises.every(({ ms }) => ms >= 0));
      assert.deepEqual(await left(service), []);
    });

    it('reports swapped addresses, and checks nothing more', async () => {
      const found = await document(service, ['--upload-url', files.url, '--files-url', upload.url]);
      assert.deepEqual(notHeld(found), ['reachable']);
      assert.match(complaint(found, 'reachable'), /404.*may be swapped/);
      assert.ok(found.promises.slice(1).every(({ outcome }) => outcome === 'not checked'));
    });

    it('names the response limit of Cloud Run', async () => {
      const found = await meddled(files, (request, answer, response) => {
        const length = Number(answer.headers['content-length'] ?? Number.POSITIVE_INFINITY);
        const large = isDownload(request) && answer.statusCode !== 304 && length > 32 * MIB;
        return large && end(answer, response, 500);
      });
      assert.deepEqual(notHeld(found), ['download-large', 'download-resumed']);
      assert.match(
        complaint(found, 'download-large'),
        /500 with an empty body.*32 MiB with a Content-Length/,
      );
    });

    it('names an instance limit', async () => {
      const found = await meddled(upload, (request, answer, response) => {
        return request.method === 'PATCH' && end(answer, response, 429);
      });
      assert.match(complaint(found, 'upload-tus'), /429.*max_instances/);
      assert.deepEqual(notHeld(found), ['upload-tus']);
    });

    it('waits for what may make a file when it is interrupted', async () => {
      let interrupt = () => {};
      let waited = false;
      upload.meddler = (request, answer, response) => {
        if (request.url !== '/uploads/direct') return false;
        interrupt();
        setTimeout(() => {
          waited = !response.destroyed;
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        }, 500);
        return true;
      };
      const watch = (_: string, kill: (signal: NodeJS.Signals) => void) => {
        interrupt = () => kill('SIGINT');
      };
      const { code } = await verify(service, addresses(), { watch });
      assert.equal(code, 130);
      assert.ok(waited);
    });

    it('names Cloud Run’s IAM', async () => {
      const found = await meddled(files, (_, answer, response) => end(answer, response, 403));
      assert.match(complaint(found, 'reachable'), /403 with an empty body.*run\.invoker/);
    });

    it('is alarmed by a stranger who sees a file', async () => {
      const stranger = `Bearer ${await service.platform.token(OTHER)}`;
      files.meddler = (request, answer, response) => {
        const theirs = request.headers.authorization === stranger;
        return theirs && /^\/files\/[^/]+$/.test(request.url ?? '') && end(answer, response, 200);
      };
      const env = { FILESHARE_OTHER_TOKEN: stranger.slice('Bearer '.length) };
      const found = await document(service, addresses(), { env });
      assert.match(complaint(found, 'stranger'), /^200 .*take the service off the network/);
    });

    it('finds bytes that change on their way', async () => {
      const found = await meddled(files, (request, answer, response) => {
        if (!isDownload(request) || answer.statusCode !== 200) return false;
        response.writeHead(200, answer.headers);
        answer.pipe(flipped()).pipe(response);
        return true;
      });
      assert.match(complaint(found, 'download-whole'), /SHA-256.*Bytes change in transit/);
      assert.match(complaint(found, 'download-large'), /SHA-256/);
    });

    it('finds a cache that answers with what was there before', async () => {
      const found = await meddled(files, (request, answer, response) => {
        return request.method === 'GET' && answer.statusCode === 410 && end(answer, response, 200);
      });
      assert.deepEqual(notHeld(found), ['verdict-infected', 'verdict-unscannable', 'delete']);
    });

    it('finds a statement that does not verify', async () => {
      const found = await meddled(files, (request, answer, response) => {
        return /\/verdict$/.test(request.url ?? '') && end(answer, response, 200);
      });
      assert.deepEqual(notHeld(found), ['verdict-signed']);
      assert.match(complaint(found, 'verdict-signed'), /neither an envelope of DSSE nor a JWS.*VERDICT_KEY/);
    });

    it('names the files that it could not delete', async () => {
      const found = await meddled(files, (request, answer, response) => {
        return (
          request.method === 'DELETE' && /files\/\w+$/.test(request.url ?? '') && end(answer, response, 500)
        );
      });
      assert.match(complaint(found, 'cleanup'), /left: [0-9a-v]{43}/);
      for (const { id, owner } of await left(service)) {
        await service.call('DELETE', `/files/${id}`, { as: owner });
      }
    });
  });

  describe('of a deployment that is not set up well', () => {
    const stale = new Service(
      {},
      {
        adapt: (spec) =>
          spec.name === 'scanner'
            ? { ...spec, env: { ...spec.env, ALLOW_UNDATED_SIGNATURES: 'false' } }
            : spec,
      },
    );
    const misled = new Service(
      {},
      {
        adapt: (spec) => {
          const { VERDICT_KEY: _, ...env } = spec.env;
          return spec.name === 'upload'
            ? { ...spec, env: { ...env, FILES_URL: 'https://files.example' } }
            : { ...spec, env };
        },
      },
    );

    it('names stale signatures where files wait', async () => {
      const found = await document(stale, ['--url', stale.url, '--timeout', '3']);
      assert.match(complaint(found, 'verdict-small'), /still pending.*signatures/);
      assert.deepEqual(
        found.promises.filter(({ note }) => /did not become clean/.test(note ?? '')).map(({ id }) => id),
        ['fhir', 'download-whole', 'download-range', 'download-large', 'download-resumed', 'verdict-signed'],
      );
      assert.deepEqual(await left(stale), []);
    });

    it('names a wrong FILES_URL, and checks no statements where none are signed', async () => {
      const found = await document(misled, ['--url', misled.url]);
      assert.match(complaint(found, 'upload-post'), /https:\/\/files\.example\/files\/.*FILES_URL/);
      assert.deepEqual(await left(misled), []);
      const signed = found.promises.find(({ id }) => id === 'verdict-signed');
      assert.deepEqual(
        [signed?.outcome, signed?.note],
        ['not checked', 'this deployment does not sign verdicts'],
      );
    });
  });
});

function isDownload({ method, url = '' }: IncomingMessage): boolean {
  return method === 'GET' && /^\/files\/[0-9a-v]{43}$/.test(url);
}

/** Drops what the service said. */
function end(answer: IncomingMessage, response: ServerResponse, status: number): true {
  answer.resume();
  response.writeHead(status, { 'content-length': '0' }).end();
  return true;
}

/** Changes the first byte. */
function flipped(): Transform {
  let first = true;
  return new Transform({
    transform(piece: Buffer, _, done) {
      if (first) piece[0] = (piece[0] ?? 0) ^ 1;
      first = false;
      done(null, piece);
    },
  });
}
