import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { underOwnNames } from '../own-names.ts';
import { TOKEN_SECONDS, type Tokens } from './tokens.ts';

export interface MetadataServerOptions {
  readonly host: string;
  /** Email of the service account that the process runs as which asks here. */
  readonly account: string;
  readonly project: string;
  readonly tokens: Tokens;
}

export interface MetadataServer {
  /** `host:port`, the value for `GCE_METADATA_HOST`. */
  readonly host: string;
  close(): Promise<void>;
}

const PREFIX = '/computeMetadata/v1/';
const ACCOUNT = 'instance/service-accounts/default/';
const FLAVOR = { 'Metadata-Flavor': 'Google' };

/**
 * The metadata server of one service, as Google's client libraries ask it for credentials:
 * https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys
 */
export async function startMetadataServer(options: MetadataServerOptions): Promise<MetadataServer> {
  const listener: RequestListener = (request, response) => {
    const url = new URL(`http://metadata${request.url}`);
    const known = request.headers['metadata-flavor'] === FLAVOR['Metadata-Flavor'];
    const answer = known ? answerTo(options, url) : Promise.resolve(undefined);
    void answer.then((value) => {
      const json = typeof value === 'object';
      const status = value === undefined ? (known ? 404 : 403) : 200;
      response.writeHead(status, {
        ...FLAVOR,
        'content-type': json ? 'application/json' : 'application/text',
      });
      response.end(json ? JSON.stringify(value) : value);
    });
  };
  const server = createServer({ keepAliveTimeout: 120_000 }, underOwnNames(listener));
  server.listen(0, options.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: `${options.host}:${port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answerTo(
  { account, project, tokens }: MetadataServerOptions,
  { pathname, searchParams }: URL,
): Promise<string | object | undefined> {
  if (!`${pathname}/`.startsWith(PREFIX)) return undefined;
  switch (pathname.slice(PREFIX.length)) {
    case 'instance':
      return 'service-accounts/\n';
    case `${ACCOUNT}email`:
      return account;
    case `${ACCOUNT}token`:
      return { access_token: await tokens.access(account), expires_in: TOKEN_SECONDS, token_type: 'Bearer' };
    case `${ACCOUNT}identity`:
      return tokens.identity(account, searchParams.get('audience') ?? '');
    case 'project/project-id':
      return project;
    case 'universe/universe-domain':
    case 'universe/universe_domain':
      return 'googleapis.com';
    default:
      return undefined;
  }
}
