import { once } from 'node:events';
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A resource as an answer has it. */
type Resource = Readonly<Record<string, unknown>>;

const UPLOAD = /^(?:\/resumable)?\/upload\/storage\/v1\/b\//;
const TRANSFER = /\/(?:compose|copyTo\/.*|rewriteTo\/.*)$/;
const REDELIVERY_MS = 200;

/**
 * Stands between the functions and an endpoint of Cloud Storage. It posts the finalize events that Cloud Storage would,
 * adds headers by which the endpoint injects faults, and loses answers.
 */
export class StorageRelay {
  readonly #endpoint: URL;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #stopping = new AbortController();
  /** Finalized objects that an event was made for: an answer may tell of one twice. */
  readonly #told = new Set<string>();
  readonly #deliveries = new Set<Promise<void>>();
  #lost: { readonly pattern: RegExp; times: number } | undefined;

  /** Headers for every request from now on. */
  headers: Readonly<Record<string, string>> = {};
  /** Receives the events of one bucket. */
  subscriber: { readonly bucket: string; readonly url: string } | undefined;

  private constructor(endpoint: string) {
    this.#endpoint = new URL(endpoint);
    this.#server = createServer({ requestTimeout: 0 }, (request, response) => this.#relay(request, response));
  }

  static async start(endpoint: string): Promise<StorageRelay> {
    const relay = new StorageRelay(endpoint);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts the connection in place of the next answers of 2xx to requests that match `METHOD /path?query`. */
  loseAnswers(pattern: RegExp, times: number): void {
    this.#lost = { pattern, times };
  }

  /** How many answers are still to be lost. */
  get toLose(): number {
    return this.#lost?.times ?? 0;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#server.closeAllConnections();
    this.#server.close();
    this.#agent.destroy();
    await Promise.all(this.#deliveries);
  }

  #relay(request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '/' } = request;
    const outgoing = httpRequest({
      agent: this.#agent,
      host: this.#endpoint.hostname,
      port: this.#endpoint.port,
      method,
      path: url,
      // With its Host: what the endpoint says of itself, such as the URI of a session, leads through here too.
      headers: { ...request.headers, ...this.headers },
    });
    const cut = (): void => {
      request.socket.resetAndDestroy();
    };
    outgoing.on('error', cut);
    response.on('close', () => outgoing.destroy());
    request.pipe(outgoing);
    outgoing.on('response', (answer) => {
      answer.on('error', cut);
      answer.on('aborted', cut);
      void this.#answer(`${method} ${url}`, answer, response);
    });
  }

  async #answer(line: string, answer: IncomingMessage, response: ServerResponse): Promise<void> {
    const { statusCode: status = 502, headers } = answer;
    const head = withoutConnection(headers);
    if (!makesAnObject(line, status)) {
      if (status < 300 && this.#loses(line)) {
        answer.resume();
        response.req.socket.resetAndDestroy();
        return;
      }
      response.writeHead(status, head);
      answer.pipe(response);
      return;
    }
    // The event does not depend on the answer coming through.
    const body = await answer.toArray().then(Buffer.concat, () => undefined);
    if (body === undefined) return;
    this.#tell(body.toString());
    if (this.#loses(line)) response.req.socket.resetAndDestroy();
    else response.writeHead(status, head).end(body);
  }

  #loses(line: string): boolean {
    if (this.#lost === undefined || this.#lost.times === 0 || !this.#lost.pattern.test(line)) return false;
    this.#lost.times -= 1;
    return true;
  }

  #tell(body: string): void {
    const parsed = body === '' ? {} : (JSON.parse(body) as Resource & { resource?: Resource });
    const object = parsed.resource ?? parsed;
    const id = `${object['bucket']}/${object['name']}/${object['generation']}`;
    const { subscriber } = this;
    if (subscriber === undefined || object['bucket'] !== subscriber.bucket || this.#told.has(id)) return;
    this.#told.add(id);
    const delivery = this.#deliver(subscriber.url, object, String(this.#told.size)).finally(() =>
      this.#deliveries.delete(delivery),
    );
    this.#deliveries.add(delivery);
  }

  /** Posts an event as Eventarc does, until it is acknowledged. */
  async #deliver(url: string, object: Resource, id: string): Promise<void> {
    const headers = {
      'content-type': 'application/json',
      'ce-id': id,
      'ce-specversion': '1.0',
      'ce-type': 'google.cloud.storage.object.v1.finalized',
      'ce-source': `//storage.googleapis.com/projects/_/buckets/${object['bucket']}`,
      'ce-subject': encodeURI(`objects/${object['name']}`),
      'ce-time': String(object['timeCreated']),
      'ce-bucket': String(object['bucket']),
    };
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const sent = fetch(url, { method: 'POST', headers, body: JSON.stringify(object), signal });
      const acknowledged = await sent.then((answer) => answer.ok).catch(() => false);
      if (acknowledged) return;
      await delay(REDELIVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

const makesAnObject = (line: string, status: number): boolean => {
  const [method = '', url = ''] = line.split(' ');
  const [path = ''] = url.split('?');
  if (status !== 200 || (method !== 'POST' && method !== 'PUT')) return false;
  return UPLOAD.test(path) || TRANSFER.test(path);
};

function withoutConnection(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...kept } = headers;
  return kept;
}
