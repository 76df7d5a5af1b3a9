export interface CallInit {
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream;
}

/** Fields of resources and of error bodies that tests look at. */
export interface Resource {
  readonly kind: string;
  readonly name: string;
  readonly bucket: string;
  readonly generation: string;
  readonly metageneration: string;
  readonly size: string;
  readonly [field: string]: unknown;
}

/** Sends one request and reads the whole answer. Redirects, 308 among them, are answers. */
export async function send(method: string, url: string, init: CallInit = {}): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: { ...(init.json !== undefined && { 'content-type': 'application/json' }), ...init.headers },
    ...(init.json !== undefined && { body: JSON.stringify(init.json) }),
    ...(init.body !== undefined && { body: init.body }),
    ...(init.body instanceof ReadableStream && { duplex: 'half' }),
    redirect: 'manual',
  });
  return new Reply(response.status, response.headers, Buffer.from(await response.arrayBuffer()));
}

export class Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer<ArrayBuffer>;

  constructor(status: number, headers: Headers, bytes: Buffer<ArrayBuffer>) {
    this.status = status;
    this.headers = headers;
    this.bytes = bytes;
  }

  get text(): string {
    return this.bytes.toString();
  }

  get json(): Resource {
    return JSON.parse(this.text);
  }

  /** The resource of a successful answer. */
  ok(): Resource {
    if (this.status !== 200) throw new Error(`${this.status} ${this.text}`);
    return this.json;
  }

  /** Status and reason of a refusal, as `412 conditionNotMet`. */
  get refusal(): string {
    const parsed: { error: { errors?: { reason?: string }[] } } = JSON.parse(this.text);
    return `${this.status} ${parsed.error.errors?.[0]?.reason}`;
  }
}
