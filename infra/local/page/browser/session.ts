import {
  Fileshare,
  FileshareConnectionError,
  type UploadStore,
  WebUploadStore,
} from '../../../../client/src/index.ts';

const MIB = 1024 * 1024;
/** Principals of the page that are operators: the development issuer gives anybody any scope. */
const OPERATORS: ReadonlySet<string> = new Set(['user:operator', 'user:second-operator']);
/** Tokens are good for an hour; one that is asked for anew in time is never out of date. */
const TOKEN_GOOD_FOR_MS = 30 * 60_000;

/** Somebody, and the client that acts for them. */
export interface Session {
  readonly principal: string;
  /** Has the scope of administrators. */
  readonly isOperator: boolean;
  readonly token: () => Promise<string>;
  readonly addresses: ServiceAddresses;
  /** Where operators are answered; undefined for others. */
  readonly operators: OperatorAddresses | undefined;
  readonly fileshare: Fileshare;
  /** Client with small requests, for uploads that are to be slow. */
  readonly slow: Fileshare;
}

interface ServiceAddresses {
  readonly uploadUrl: string;
  readonly filesUrl: string;
}

export interface OperatorAddresses {
  /** Base of the sweeper's paths. */
  readonly ordersUrl: string;
  /** Base of the HTTP API of Prometheus. */
  readonly metricsUrl: string;
}

/** The session of a principal whom the local platform takes at their word. */
export function sessionOf(principal: string): Session {
  const { origin } = location;
  return createSession({
    principal,
    token: tokensOf(principal),
    addresses: { uploadUrl: origin, filesUrl: origin },
    operators: OPERATORS.has(principal)
      ? { ordersUrl: `${origin}/local/operator`, metricsUrl: `${origin}/local/metrics` }
      : undefined,
  });
}

export function createSession(
  who: Pick<Session, 'principal' | 'token' | 'addresses' | 'operators'>,
): Session {
  const { principal, token, addresses, operators } = who;
  const common = { ...addresses, token, store: storeOf(principal) };
  return {
    ...who,
    isOperator: operators !== undefined,
    fileshare: new Fileshare({ ...common, postUpTo: MIB, chunkSize: 4 * MIB }),
    slow: new Fileshare({
      ...common,
      postUpTo: MIB / 4,
      chunkSize: MIB / 4,
      directFrom: Number.MAX_SAFE_INTEGER,
    }),
  };
}

function tokensOf(principal: string): () => Promise<string> {
  let current: { readonly token: Promise<string>; readonly at: number } | undefined;
  return async () => {
    if (!current || Date.now() - current.at > TOKEN_GOOD_FOR_MS) {
      current = { token: fetchToken(principal), at: Date.now() };
      current.token.catch(() => (current = undefined));
    }
    return current.token;
  };
}

/** Groups of principals of the page, as tokens name them. */
const GROUPS: Readonly<Record<string, string>> = { 'user:nurse': 'nurses' };

async function fetchToken(principal: string): Promise<string> {
  const scope = OPERATORS.has(principal) ? 'read write admin' : 'read write';
  const query = new URLSearchParams({ principal, scope });
  const group = GROUPS[principal];
  if (group !== undefined) query.set('group', group);
  // As any other request, it is sent again, and what needs it is interrupted and not refused.
  const response = await fetch(`/local/token?${query}`).catch((cause: unknown) => {
    throw new FileshareConnectionError('The token issuer cannot be reached.', { cause });
  });
  if (!response.ok) throw new Error(`There is no token for ${principal}: ${response.status}`);
  return response.text();
}

/** Each principal has separate uploads: another's cannot be continued. */
function storeOf(principal: string): UploadStore {
  const store = new WebUploadStore(localStorage);
  const own = (key: string) => `${principal} ${key}`;
  return {
    get: (key) => store.get(own(key)),
    set: (key, value) => store.set(own(key), value),
    delete: (key) => store.delete(own(key)),
  };
}
