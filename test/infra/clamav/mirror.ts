import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

const TOKEN = 'ya29.test';

/**
 * A mirror of signatures on the loopback interface: plain HTTP, and at the same time a private bucket named
 * `signatures` behind Cloud Storage's JSON API, and the metadata server that gives a token for it.
 */
export class Mirror implements AsyncDisposable {
  readonly files = new Map<string, Buffer | string>();
  /** When the files were changed, for those who ask for what is newer; in seconds since 1970. */
  modifiedAt: number | undefined;
  /** Sent with a failure. */
  failureHeaders: Readonly<Record<string, string>> = {};
  /** While it is set, everything is answered with that status. */
  failure: number | undefined;
  /** Called before a file is handed out. */
  onRequest: (() => Promise<unknown>) | undefined;
  readonly answers: { readonly path: string; readonly status: number }[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (request, response) => {
      await this.onRequest?.();
      this.#answer(request, response);
    });
  }

  static async start(): Promise<Mirror> {
    const mirror = new Mirror();
    mirror.#server.listen(0, '127.0.0.1');
    await once(mirror.#server, 'listening');
    return mirror;
  }

  get host(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the mirror does not listen');
    return `127.0.0.1:${address.port}`;
  }

  count(path: string, status: number): number {
    return this.answers.filter((answer) => answer.path === path && answer.status === status).length;
  }

  /** Takes requests from now on and never answers them; resolves with the first of them. */
  async swallow(): Promise<void> {
    this.#server.removeAllListeners('request');
    await once(this.#server, 'request');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    response.on('finish', () => this.answers.push({ path, status: response.statusCode }));
    if (this.failure !== undefined) return void response.writeHead(this.failure, this.failureHeaders).end();
    if (path === '/computeMetadata/v1/instance/service-accounts/default/token') {
      if (request.headers['metadata-flavor'] !== 'Google') return void response.writeHead(403).end();
      return void response.end(
        JSON.stringify({ access_token: TOKEN, expires_in: 3599, token_type: 'Bearer' }),
      );
    }
    const object = /^\/storage\/v1\/b\/signatures\/o\/([^/]+)\?alt=media$/.exec(path)?.[1];
    if (object !== undefined && request.headers.authorization !== `Bearer ${TOKEN}`) {
      return void response.writeHead(401).end();
    }
    const body = this.files.get(object === undefined ? path.slice(1) : decodeURIComponent(object));
    if (body === undefined) return void response.writeHead(404).end();
    const etag = `"${createHash('sha256').update(body).digest('hex')}"`;
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
    const since = Date.parse(request.headers['if-modified-since'] ?? '') / 1000;
    if (this.modifiedAt !== undefined && since >= this.modifiedAt) return void response.writeHead(304).end();
    const modified = this.modifiedAt !== undefined && new Date(this.modifiedAt * 1000).toUTCString();
    response.writeHead(200, { etag, ...(modified && { 'last-modified': modified }) }).end(body);
  }
}
