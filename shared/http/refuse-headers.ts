import type { IncomingMessage } from 'node:http';
import { invalidRequest } from './problems.ts';

/** Headers that have an effect at other routes, and what to send here in their place, as a sentence. */
export type RefusedHeaders = Readonly<Record<string, string>>;

/**
 * Refuses headers that a route would ignore though they mean something at its neighbours: a client would believe that the
 * file has an end, or that its condition was checked.
 * @throws {Problem}
 */
export function refuseHeaders({ headers }: IncomingMessage, refused: RefusedHeaders): void {
  for (const [name, instead] of Object.entries(refused)) {
    if (headers[name.toLowerCase()] === undefined) continue;
    throw invalidRequest(`${name} has no effect here. ${instead}`);
  }
}
