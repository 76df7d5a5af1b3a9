import { jsonOf, problemOf, requireProblem } from './answer.ts';
import type { Caller } from './caller.ts';
import type { Check } from './check.ts';
import { NotHeld } from './not-held.ts';

/** Milliseconds that clocks may differ: issuers and services allow about as much for tokens. */
const MOST_SKEW_MS = 60_000;

export const service: readonly Check[] = [
  {
    id: 'reachable',
    promise: 'The upload and files functions answer at their URLs',
    look: 'The URLs: `terraform output service_urls`, or `url` with a load balancer. They may be swapped, or ingress may admit only the load balancer.',
    gate: true,
    run: async ({ nobody }) => {
      const offer = await nobody.expect([200, 204], 'OPTIONS', '/uploads');
      if (!offer.headers.get('tus-version')?.split(',').includes('1.0.0'))
        throw new NotHeld(
          'Tus-Version: 1.0.0 of the upload function',
          offer.headers.get('tus-version') ?? 'none',
        );
      const contract = jsonOf<{ info?: { title?: string } }>(
        await nobody.expect([200], 'GET', '/openapi.json'),
      );
      const { title } = contract.info ?? {};
      if (title !== 'HOPS Fileshare')
        throw new NotHeld('the contract at /openapi.json', title ?? 'something else');
      return undefined;
    },
  },
  {
    id: 'authenticated',
    promise: 'Requests without a token are refused',
    look: 'TOKEN_ISSUERS of both functions (docs/identity.md). Take the service off the network until this holds.',
    run: async ({ nobody }) => {
      for (const [method, path] of [
        ['GET', '/files'],
        ['POST', '/files'],
        ['POST', '/uploads/direct'],
      ] as const) {
        const answer = requireProblem(await nobody.call(method, path), 401, 'unauthenticated');
        if (!answer.headers.get('www-authenticate'))
          throw new NotHeld('a WWW-Authenticate header with the 401', 'none');
      }
      return undefined;
    },
  },
  {
    id: 'token',
    promise: 'The token is accepted for reading and writing',
    look: 'TOKEN_ISSUERS (docs/identity.md); the token may have expired. A 500 means a missing grant: storage.objects.list for the files function on the permanent bucket.',
    gate: true,
    run: async ({ owner }) => {
      await mayRead(owner);
      // Refused for its content, and so not for its token.
      const answer = await owner.call('POST', '/uploads/direct', { body: '{}' });
      if (problemOf(answer)?.code !== 'invalid-request') requireProblem(answer, 400, 'invalid-request');
      return undefined;
    },
  },
  {
    id: 'clock',
    promise: 'The clocks of the service and this machine agree',
    look: 'The clock of this machine; Google’s clocks are correct. Tokens and signed URLs depend on it.',
    run: async ({ nobody }) => {
      const skews = [
        skewOf(await nobody.call('OPTIONS', '/uploads')),
        skewOf(await nobody.call('GET', '/openapi.json')),
      ];
      const most = Math.max(...skews);
      if (!(most <= MOST_SKEW_MS)) throw new NotHeld('less than 60 s between the clocks', `${most / 1000} s`);
      return { note: `${(most / 1000).toFixed(0)} s apart` };
    },
  },
];

async function mayRead(caller: Caller): Promise<void> {
  await caller.expect([200], 'GET', '/files?limit=1');
}

/** Date has whole seconds; NaN where there is none. */
function skewOf({ headers }: { readonly headers: Headers }): number {
  const skew = Math.abs(Date.now() - Date.parse(headers.get('date') ?? ''));
  return Math.max(0, skew - 1000);
}
