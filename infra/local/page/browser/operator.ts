import type { OperatorAddresses, Session } from './session.ts';

/** An object in quarantine, as the sweeper lists it. Times are RFC 3339, sizes bytes. */
export interface Quarantined {
  /** A file id, or `sha256/` and the digest of a content that was clean before. */
  readonly name: string;
  readonly size: number;
  readonly found?: string;
  readonly since?: string;
  readonly sha256?: string;
  readonly finding?: 'stands' | 'awaitingSecond' | 'released';
  readonly signature?: string;
  readonly engine?: { readonly version: string; readonly database?: number };
  /** A scan by newer signatures has found nothing in it. */
  readonly cleanSince?: { readonly version: string; readonly database?: number; readonly at: string };
  /** The operator that has released it, or has asked for that. */
  readonly word?: { readonly by: string; readonly reason: string; readonly at: string };
}

export interface QuarantinePage {
  readonly items: readonly Quarantined[];
  readonly next?: string;
}

type Method = 'POST' | 'PUT' | 'DELETE';

/** Calls the sweeper in the name of an operator. */
export class Operator {
  readonly session: Session;
  readonly #addresses: OperatorAddresses;

  private constructor(session: Session, addresses: OperatorAddresses) {
    this.session = session;
    this.#addresses = addresses;
  }

  /** Undefined where the session is of nobody who may give orders. */
  static of(session: Session): Operator | undefined {
    return session.operators && new Operator(session, session.operators);
  }

  /** @param after the `next` of an earlier page */
  async quarantine(after: string | undefined): Promise<QuarantinePage> {
    const query = new URLSearchParams(after === undefined ? {} : { after });
    return (await this.#call('GET', `/quarantine?${query}`)).json();
  }

  /** A zip under the password `infected`. */
  async archive(name: string): Promise<Blob> {
    return (await this.#call('GET', `/quarantine/content?${new URLSearchParams({ name })}`)).blob();
  }

  /** Whether new uploads are taken, and what users are told. */
  async intake<Answer>(): Promise<Answer> {
    return (await this.#call('GET', '/intake')).json();
  }

  /** Sends an order, and returns the report. @throws {Error} that says why it was refused */
  async order<Report>(path: string, body: object = {}, method: Method = 'POST'): Promise<Report> {
    return (await this.#call(method, path, body)).json();
  }

  /** Asks the HTTP API of Prometheus. */
  metrics(path: string): Promise<Response> {
    return this.#fetch('GET', this.#addresses.metricsUrl + path);
  }

  #call(method: 'GET' | Method, path: string, body?: object): Promise<Response> {
    return this.#fetch(method, this.#addresses.ordersUrl + path, body);
  }

  async #fetch(method: string, url: string, body?: object): Promise<Response> {
    const authorization = `Bearer ${await this.session.token()}`;
    const response = await fetch(url, {
      method,
      headers: { authorization },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (response.ok) return response;
    const problem: { detail?: string; title?: string } = await response.json().catch(() => ({}));
    throw new Error(`${problem.detail ?? problem.title ?? 'Refused'} (${response.status})`);
  }
}
