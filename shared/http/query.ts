import { invalidRequest } from './problems.ts';

/**
 * Refuses parameters that a route would ignore, such as those that are misspelt: a client would believe that they
 * count, and get a grant without its end, or all files in place of a few.
 * @param known each to be given once, in exactly these letters
 * @param lists may be given several times
 * @throws {Problem}
 */
export function requireKnown(
  query: URLSearchParams,
  known: readonly string[] = [],
  lists: readonly string[] = [],
): void {
  for (const name of new Set(query.keys())) {
    // Tokens have a refusal that says more: authenticate.ts.
    if (name === 'access_token' || lists.includes(name)) continue;
    if (!known.includes(name))
      throw invalidRequest(
        `There is no query parameter ${shown(name)} here. Percent-encode a question mark that is of the path.`,
      );
    if (query.getAll(name).length > 1) throw invalidRequest(`Send the query parameter ${name} once.`);
  }
}

/** A name may be of any length. */
function shown(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
}
