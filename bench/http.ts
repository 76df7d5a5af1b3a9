import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';

/** Large enough that writing costs little beside what is measured. */
const WRITE_BYTES = 256 * 1024;
const BLOCK = Buffer.alloc(WRITE_BYTES, 'HOPS Fileshare measures how fast bytes go by. ');

const agent = new Agent({ keepAlive: true, maxFreeSockets: 128 });

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface Sending {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes, or how many of them: which ones does not matter then. */
  readonly body?: Buffer | AsyncIterable<Buffer> | number;
}

/** Sends one request, as cheaply as Node can, and takes in the answer. @throws {Error} where it is 400 or more */
export async function send(url: string, sending: Sending = {}): Promise<Answer> {
  try {
    return await sendOnce(url, sending);
  } catch (error) {
    // A server may close a connection that was kept in the moment in which it is used again.
    const repeatable = sending.body === undefined || Buffer.isBuffer(sending.body);
    if (!repeatable || (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
    return sendOnce(url, sending);
  }
}

async function sendOnce(url: string, { method = 'GET', headers = {}, body }: Sending): Promise<Answer> {
  const length = sizeOf(body);
  const framed = length === undefined ? headers : { ...headers, 'content-length': String(length) };
  const outgoing = request(url, { method, headers: framed, agent });
  const answered = responseTo(outgoing);
  await write(outgoing, body);
  const response = await answered;
  const answer = { headers: response.headers, body: Buffer.concat(await response.toArray()) };
  const status = response.statusCode ?? 0;
  if (status >= 400) throw new Error(`${method} ${new URL(url).pathname}: ${status} ${answer.body}`);
  return { status, ...answer };
}

/** Reads an answer and keeps none of it. @returns its bytes, counted @throws {Error} where it is not 200 or 206 */
export async function drain(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const outgoing = request(url, { headers, agent });
  const answered = responseTo(outgoing);
  outgoing.end();
  const response = await answered;
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await once(response, 'end');
  if (response.statusCode === 200 || response.statusCode === 206) return bytes;
  throw new Error(`GET ${new URL(url).pathname}: ${response.statusCode}`);
}

function responseTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
  });
  answered.catch(() => undefined); // It is awaited once the body is out.
  return answered;
}

function sizeOf(body: Sending['body']): number | undefined {
  if (body === undefined) return 0;
  if (typeof body === 'number') return body;
  return Buffer.isBuffer(body) ? body.length : undefined;
}

async function write(outgoing: ClientRequest, body: Sending['body']): Promise<void> {
  if (body === undefined || Buffer.isBuffer(body)) {
    outgoing.end(body);
    return;
  }
  for await (const piece of typeof body === 'number' ? blocks(body) : body) {
    if (!outgoing.write(piece)) await once(outgoing, 'drain');
  }
  outgoing.end();
}

function* blocks(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= WRITE_BYTES) yield BLOCK.subarray(0, left);
}
