import * as v from 'valibot';
import { Grants, Policy } from './policy.ts';
import { bearer, Tokens } from './tokens.ts';

const Options = v.strictObject({
  /** Signs the tokens of all accounts. */
  secret: v.pipe(v.string(), v.minLength(32)),
  /** Email of the account that may do everything. */
  administrator: v.string(),
  grants: Grants,
});

export type IamOptions = v.InferOutput<typeof Options>;

export class InvalidToken extends Error {
  override readonly name = 'InvalidToken';
}

/** Access control of an emulator. Without it, everybody may do everything. */
export class EmulatedIam {
  readonly tokens: Tokens;
  readonly policy: Policy;

  constructor({ secret, administrator, grants }: IamOptions) {
    this.tokens = new Tokens(secret);
    this.policy = new Policy(administrator, grants);
  }

  /** The account of the caller, undefined where it names none. @throws {InvalidToken} */
  async caller(authorization: string | undefined): Promise<string | undefined> {
    if (authorization === undefined) return undefined;
    const account = await this.tokens.accountOf(bearer(authorization) ?? '');
    if (account === undefined) throw new InvalidToken('the access token is malformed or has expired');
    return account;
  }

  /**
   * Control for tests: `GET` tells the grants, which of them were used, and what was refused, `PUT` with `{"grants":
   * […]}` replaces the grants, `DELETE` forgets what was used and refused.
   * @returns undefined for other methods. @throws {Error} on malformed grants
   */
  control(method: string | undefined, body: Readonly<Record<string, unknown>>): object | undefined {
    const { policy } = this;
    if (method === 'PUT') policy.grants = v.parse(Grants, body['grants']);
    else if (method === 'DELETE') policy.forget();
    else if (method !== 'GET') return undefined;
    return { grants: policy.grants, used: policy.used, refusals: policy.refusals };
  }
}

/** Parses a variable of the environment. @throws {Error} where it is malformed */
export function parseIam(text: string): IamOptions {
  return v.parse(Options, JSON.parse(text));
}
