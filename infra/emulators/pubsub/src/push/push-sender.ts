import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { PushSender } from '../core/pusher.ts';
import type { PushConfig } from '../core/subscription.ts';
import { pushRequest } from './push-request.ts';
import type { PushTokenMinter } from './push-token.ts';

/** Statuses that acknowledge (cloud.google.com/pubsub/docs/push); 102 is an interim one, see below. */
const acknowledging = new Set([200, 201, 202, 204]);

/** Sends with POST. No redirect is followed: one counts as a refusal, like every other status. */
export function pushSender(minter: PushTokenMinter): PushSender {
  return async (subscription, delivery, signal) => {
    const { pushConfig } = subscription;
    const { headers, body } = pushRequest(subscription, delivery);
    const authorization = await authorize(pushConfig, minter);
    const url = new URL(pushConfig.pushEndpoint);
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = open(url, {
      method: 'POST',
      signal,
      // A kept connection that the endpoint closes just then would count as a refusal.
      agent: false,
      headers: {
        ...headers,
        ...authorization,
        'content-length': Buffer.byteLength(body),
        'user-agent': 'CloudPubSub-Google',
      },
    });
    request.on('error', reject);
    // 102 Processing acknowledges although no final response has come yet.
    request.on('information', ({ statusCode }) => {
      if (statusCode === 102) resolve(true);
    });
    request.on('response', (response) => {
      response.on('error', reject).on('end', () => resolve(acknowledging.has(response.statusCode ?? 0)));
      response.resume();
    });
    request.end(body);
    return promise;
  };
}

async function authorize(pushConfig: PushConfig, minter: PushTokenMinter): Promise<Record<string, string>> {
  const { oidcToken, pushEndpoint } = pushConfig;
  if (!oidcToken?.serviceAccountEmail) return {};
  const token = await minter.mint({
    email: oidcToken.serviceAccountEmail,
    audience: oidcToken.audience || pushEndpoint,
  });
  return { authorization: `Bearer ${token}` };
}
