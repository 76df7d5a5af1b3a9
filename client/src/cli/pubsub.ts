import { sleep } from '../backoff.ts';
import { FileshareConnectionError, problemOf } from '../errors.ts';
import { isPassing, pauseMs } from '../http.ts';
import type { Fetch } from '../send.ts';
import type { Context } from './context.ts';
import { UsageError } from './exit.ts';

const PUBSUB = 'https://pubsub.googleapis.com';
const MOST_MESSAGES = 100;
const RETRIES = 10;

export interface Received {
  readonly ackId: string;
  readonly message: unknown;
}

/** A pull subscription, by the REST API: https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions */
export class Subscription {
  readonly name: string;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: Fetch;

  /**
   * @param name projects/PROJECT/subscriptions/NAME
   * @param token a Google access token; an emulator needs none
   * @throws {UsageError}
   */
  constructor(
    name: string,
    { env, fetch }: Pick<Context, 'env' | 'fetch'>,
    token = env['FILESHARE_PUBSUB_TOKEN'],
  ) {
    const emulator = env['PUBSUB_EMULATOR_HOST'];
    if (!/^projects\/[^/]+\/subscriptions\/[^/]+$/.test(name))
      throw new UsageError('--subscription should be projects/PROJECT/subscriptions/NAME.');
    if (!emulator && !token)
      throw new UsageError('Set FILESHARE_PUBSUB_TOKEN to the output of `gcloud auth print-access-token`.');
    this.name = name;
    this.#fetch = fetch;
    this.#base = emulator ? `http://${emulator}` : PUBSUB;
    this.#headers = {
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    };
  }

  /** Returns what waits there, perhaps nothing. @throws {FileshareProblem}, {FileshareConnectionError}, the reason of `signal` */
  async pull(signal: AbortSignal): Promise<readonly Received[]> {
    const response = await this.#ask('pull', { maxMessages: MOST_MESSAGES }, signal);
    const { receivedMessages = [] } = (await response.json()) as { receivedMessages?: readonly Received[] };
    return receivedMessages;
  }

  async acknowledge(ackIds: readonly string[], signal: AbortSignal): Promise<void> {
    if (ackIds.length > 0) await this.#ask('acknowledge', { ackIds }, signal);
  }

  /** Gives messages back, for others to get them at once. */
  async release(ackIds: readonly string[], signal: AbortSignal): Promise<void> {
    if (ackIds.length > 0) await this.#ask('modifyAckDeadline', { ackIds, ackDeadlineSeconds: 0 }, signal);
  }

  async #ask(method: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const url = `${this.#base}/v1/${this.name}:${method}`;
    const request = { method: 'POST', headers: this.#headers, body: JSON.stringify(body), signal };
    const fetch = this.#fetch;
    for (let attempt = 0; ; attempt++) {
      try {
        const response = await fetch(url, request).catch((cause: unknown) => {
          signal.throwIfAborted();
          throw new FileshareConnectionError(`${url}: no answer`, { cause });
        });
        if (response.ok) return response;
        throw await problemOf(response);
      } catch (error) {
        signal.throwIfAborted();
        if (!isPassing(error) || attempt >= RETRIES) throw error;
        await sleep(pauseMs(error, attempt), signal);
      }
    }
  }
}
