import * as v from 'valibot';
import type { Scope } from '../caller.ts';
import { secureUrl } from '../issuer-url.ts';
import type { Principal } from '../principal.ts';

/** The sender that a verified token names, by the rule of its kind of issuer. */
export interface Bearer {
  readonly principal: Principal;
  readonly groups: readonly Principal[];
  readonly scopes: ReadonlySet<Scope>;
}

/** Asymmetric signatures only (RFC 7518 section 3.1, RFC 8037): with a shared secret, each verifier could also mint. */
const ALGORITHMS = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
];
export type Algorithm = (typeof ALGORITHMS)[number];

const SOME_AUDIENCES = 'should be one or several audiences';
const nonEmpty = v.pipe(v.string(), v.minLength(1, SOME_AUDIENCES));

/** One or several, any of which will do. */
export const audience = v.pipe(
  v.union([nonEmpty, v.pipe(v.array(nonEmpty), v.minLength(1, SOME_AUDIENCES))], SOME_AUDIENCES),
  v.transform((audiences) => [audiences].flat()),
);

/** Common part of every kind of issuer. @param algorithms those that it signs with, where nothing else is configured */
export function commonFields(algorithms: readonly Algorithm[] = ALGORITHMS) {
  return {
    /** Found by discovery where it is absent. */
    jwksUri: v.optional(secureUrl),
    algorithms: v.optional(
      v.pipe(
        v.array(v.picklist(ALGORITHMS, `should be some of ${ALGORITHMS.join(', ')}`)),
        v.minLength(1, 'should name at least one algorithm'),
      ),
      [...algorithms],
    ),
    /** Seconds by which clocks may differ. */
    clockToleranceSeconds: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(300, 'should be at most 300')),
      30,
    ),
  };
}
