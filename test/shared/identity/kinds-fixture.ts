import { IssuerServer, signingKey } from './issuer-server.ts';
import { CLIENT } from './shapes.ts';
import { type Answer, TokenService } from './token-service.ts';

const NEEDED = { GET: 'read', POST: 'write', DELETE: 'admin' };

/** One issuer of each kind, and a service that trusts them all, for the tests of the enclosing `describe`. */
export class Kinds {
  readonly maskinporten = new IssuerServer();
  readonly restricted = new IssuerServer();
  readonly entra = new IssuerServer();
  readonly google = new IssuerServer();
  readonly custom = new IssuerServer();
  readonly bare = new IssuerServer();
  #service: TokenService | undefined;

  constructor() {
    const { maskinporten, restricted, entra, google, custom, bare } = this;
    const issuers = [maskinporten, restricted, entra, google, custom, bare];
    before(async () => {
      const key = await signingKey();
      await Promise.all(issuers.map((issuer) => issuer.start(key)));
      this.#service = await TokenService.start([
        { kind: 'maskinporten', issuer: maskinporten.url },
        {
          kind: 'maskinporten',
          issuer: restricted.url,
          audience: 'https://f.example',
          adminScope: 'nav:f.admin',
        },
        {
          kind: 'entra',
          issuer: entra.url,
          audience: CLIENT,
          readScope: ['fileshare.read', 'access_as_application'],
          writeScope: 'fileshare.write',
          adminScope: 'fileshare.admin',
        },
        {
          kind: 'google',
          issuer: google.url,
          audience: 'https://f.example',
          grants: [
            { principal: 'user:Robot@project.iam.gserviceaccount.com', scopes: ['write'] },
            { principal: 'user:kari@example.no', scopes: ['admin'] },
            { hostedDomain: 'Example.no', scopes: ['read'] },
          ],
        },
        {
          kind: 'custom',
          issuer: custom.url,
          audience: 'f',
          principalClaim: 'https://nhn.no/claims/client/organization_number',
          principalType: 'org',
          groupsClaim: 'groups',
          namespace: 'partners',
          scopeClaim: 'permissions',
          readScope: 'r',
          writeScope: 'w',
        },
        {
          kind: 'custom',
          issuer: bare.url,
          audience: 'f',
          principalClaim: 'who',
          readScope: 'r',
          writeScope: 'w',
        },
      ]);
    });
    after(() => Promise.all([this.#service?.stop(), ...issuers.map((issuer) => issuer.stop())]));
  }

  get service(): TokenService {
    if (!this.#service) throw new Error('the service is not running');
    return this.#service;
  }

  /** The answers to requests that need each one of the scopes. */
  async ask(issuer: IssuerServer, claims: object): Promise<readonly (readonly [string, Answer])[]> {
    const token = await issuer.token({ ...claims });
    return Promise.all(
      Object.entries(NEEDED).map(
        async ([method, scope]) => [scope, await this.service.ask(token, method)] as const,
      ),
    );
  }
}
