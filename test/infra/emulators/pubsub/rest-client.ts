import * as v from 'valibot';

export interface RestAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One call of the JSON API of project `p`, as curl would make it. */
export async function rest(host: string, verb: string, path: string, body?: object): Promise<RestAnswer> {
  const response = await fetch(`http://${host}/v1/projects/p${path}`, {
    method: verb,
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const pullSchema = v.object({
  receivedMessages: v.optional(
    v.array(
      v.object({
        ackId: v.string(),
        message: v.looseObject({ data: v.optional(v.string(), ''), publishTime: v.string() }),
      }),
    ),
    [],
  ),
});

export async function restPull(host: string, subscription: string) {
  const { body } = await rest(host, 'POST', `/subscriptions/${subscription}:pull`, {
    maxMessages: 10,
    returnImmediately: true,
  });
  return v.parse(pullSchema, body).receivedMessages;
}
