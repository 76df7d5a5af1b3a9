import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { ActiveRequests } from '../../../functions/upload/active-requests.ts';
import type { Silence } from '../../../functions/upload/body-segments.ts';
import { LatestUploads } from '../../../functions/upload/latest-uploads.ts';
import { tusRoute } from '../../../functions/upload/tus.ts';
import type { Tus } from '../../../functions/upload/uploads.ts';
import { References } from '../../../shared/files/references.ts';
import { httpService } from '../../../shared/http/service.ts';
import type { Caller } from '../../../shared/identity/caller.ts';
import type { Principal } from '../../../shared/identity/principal.ts';
import type { TokenVerifier } from '../../../shared/identity/tokens.ts';
import { Shares } from '../../../shared/runtime/shares.ts';
import { Bucket } from '../../../shared/storage/bucket.ts';
import { connectStorage } from '../../../shared/storage/connect.ts';
import { FAST_RETRY } from '../../shared/storage/streams.ts';
import type { UploadFixture } from './fixture.ts';

export const HOUR = 3_600_000;
const OWNER = 'org:889640782' as Principal;

export interface Reply {
  readonly status: number;
  readonly offset: string | null;
  /** Type of a problem. */
  readonly type: string | undefined;
  readonly location: string | null;
  readonly headers: Headers;
}

/** One process of the upload function. */
export interface Instance {
  readonly tus: Tus;
  readonly url: string;
  send(
    method: string,
    path: string,
    headers?: Record<string, string>,
    body?: Buffer<ArrayBuffer> | ReadableStream,
  ): Promise<Reply>;
}

/** Processes of the upload function over one storage. */
export class TusInstances {
  readonly #fixture: UploadFixture;
  readonly #servers: Server[] = [];
  /** Milliseconds by which their clocks are ahead. */
  lateMs = 0;

  constructor(fixture: UploadFixture) {
    this.#fixture = fixture;
    beforeEach(() => {
      this.lateMs = 0;
    });
    afterEach(() => {
      for (const server of this.#servers.splice(0)) {
        server.closeAllConnections();
        server.close();
      }
    });
  }

  /** @param how `attempts` 1 as for a process that is killed: what fails is the end of it */
  async start(
    how: {
      attempts?: number;
      owner?: Principal;
      terms?: Partial<Tus['terms']>;
      silence?: Silence;
      like?: Tus;
    } = {},
  ): Promise<Instance> {
    const { attempts = FAST_RETRY.attempts, owner = OWNER, terms, silence, like } = how;
    const caller: Caller = {
      principal: owner,
      principals: new Set([owner]),
      scopes: new Set(['write']),
      issuer: 'https://issuer',
    };
    const tokens = {
      verify: async () => caller,
    } satisfies Partial<TokenVerifier> as Partial<TokenVerifier> as TokenVerifier;
    const permanent = new Bucket(connectStorage(this.#fixture.storage.url), 'permanent');
    const tus: Tus = {
      ...this.#fixture.appenderOf({ ...FAST_RETRY, attempts }),
      terms: {
        maxBytes: 5 * 2 ** 40,
        maxScanBytes: undefined,
        media: { allowed: [], denied: [], sniff: false },
        callbacks: { origins: [], loopback: false, owners: new Map() },
        filesUrl: undefined,
        ...terms,
      },
      now: () => new Date(Date.now() + this.lateMs),
      tokens,
      intake: { requireOpen: () => undefined },
      references: new References(permanent),
      uploads: new Shares(100),
      latest: new LatestUploads(),
      active: new ActiveRequests(),
      ...(silence && { silence }),
      ...(like && { active: like.active }),
      expiresMs: 24 * HOUR,
      shutdown: new AbortController().signal,
    };
    const service = httpService({
      log: pino({ level: 'silent' }, { write: () => undefined }),
      project: 'p',
      filesUrl: undefined,
      handler: (exchange) =>
        tusRoute(tus, exchange, /^\/uploads(?:\/(.+))?$/.exec(exchange.path)?.[1] ?? undefined),
    });
    const server = createServer((request, response) => void service(request, response));
    this.#servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return {
      tus,
      url,
      send: async (method, path, headers = {}, body = undefined) => {
        const response = await fetch(url + path, {
          method,
          headers: { authorization: 'Bearer x', 'tus-resumable': '1.0.0', ...headers },
          ...(body && { body, duplex: 'half' }),
        });
        const text = await response.text();
        const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
        return {
          status: response.status,
          offset: response.headers.get('upload-offset'),
          location: response.headers.get('location'),
          type: isProblem && text ? String(JSON.parse(text).type).split('/').at(-1) : undefined,
          headers: response.headers,
        };
      },
    };
  }
}

/** Sends bytes to an upload, at an instance. */
export function patch(
  at: Instance,
  path: string,
  offset: number,
  body: Buffer<ArrayBuffer> | ReadableStream,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const type = { 'content-type': 'application/offset+octet-stream' };
  return at.send('PATCH', path, { ...type, 'upload-offset': String(offset), ...headers }, body);
}

/** Its status, and the problem or the offset. */
export const told = ({ status, type, offset }: Reply) => [status, type ?? offset];
