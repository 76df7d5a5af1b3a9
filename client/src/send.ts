/** Bytes: small enough that a bar moves on a slow line, large enough not to matter on a fast one. */
const PIECE = 64 * 1024;

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Sending {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
  readonly signal: AbortSignal;
  /** How many bytes of the body have gone out, while they do. */
  readonly onSent?: ((bytes: number) => void) | undefined;
}

/**
 * One request. A request with progress sends a stream that counts; browsers stream no request bodies over
 * HTTP/1.1, so there it is XMLHttpRequest that tells.
 */
export function send(fetcher: Fetch, url: string, sending: Sending): Promise<Response> {
  const { method, headers, body, signal, onSent } = sending;
  if (!body || !onSent || body.length === 0) {
    return fetcher(url, { method, headers, signal, ...(body && { body }) });
  }
  if (browserRequest()) return sendVisibly(url, { ...sending, body, onSent });
  const length = { 'content-length': String(body.length) };
  return fetcher(url, {
    method,
    headers: { ...headers, ...length },
    signal,
    body: counted(body, onSent, signal),
    duplex: 'half',
  } as RequestInit);
}

function counted(
  body: Uint8Array,
  onSent: (bytes: number) => void,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  let sent = 0;
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    // Node's fetch reads on after it was aborted.
    if (signal.aborted) return controller.error(signal.reason);
    onSent(sent);
    if (sent === body.length) return controller.close();
    const piece = body.subarray(sent, sent + PIECE);
    sent += piece.length;
    controller.enqueue(piece);
  };
  return new ReadableStream({ pull }, { highWaterMark: 0 });
}

/** The used part of https://xhr.spec.whatwg.org/, which Node does not have. */
interface BrowserRequest {
  readonly upload: { onprogress: ((event: { readonly loaded: number }) => void) | null };
  responseType: string;
  onload: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
  readonly status: number;
  readonly statusText: string;
  readonly response: ArrayBuffer;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getAllResponseHeaders(): string;
  send(body: Uint8Array): void;
  abort(): void;
}

function browserRequest(): (new () => BrowserRequest) | undefined {
  return (globalThis as { XMLHttpRequest?: new () => BrowserRequest }).XMLHttpRequest;
}

type VisibleSending = Sending & {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly onSent: (bytes: number) => void;
};

function sendVisibly(
  url: string,
  { method, headers, body, signal, onSent }: VisibleSending,
): Promise<Response> {
  const Request = browserRequest();
  if (!Request) throw new Error('there is no XMLHttpRequest');
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new Request();
    const abort = () => request.abort();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.responseType = 'arraybuffer';
    request.upload.onprogress = ({ loaded }) => onSent(loaded);
    const settled = (settle: () => void) => () => {
      signal.removeEventListener('abort', abort);
      settle();
    };
    request.onload = settled(() => resolve(responseOf(request)));
    request.onerror = settled(() => reject(new TypeError('the connection broke')));
    request.onabort = settled(() => reject(signal.reason));
    signal.addEventListener('abort', abort, { once: true });
    request.send(body);
  });
}

function responseOf(request: BrowserRequest): Response {
  const { status, statusText, response } = request;
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().trim().split(/\r\n/)) {
    const [name, ...value] = line.split(':');
    if (name) headers.append(name, value.join(':').trim());
  }
  return new Response(status === 204 ? null : response, { status, statusText, headers });
}
