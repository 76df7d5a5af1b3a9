import { PROBLEMS, Problem, type ProblemType, problemUri } from '../../../shared/http/problems.ts';
import { PUBLIC, sendJson, sendText } from '../../../shared/http/respond.ts';
import type { Files } from '../files.ts';
import { prefers } from '../headers/accept.ts';
import type { Route } from '../router.ts';

/** Depends on `Accept`, and is the same for everybody. */
const HEADERS = { ...PUBLIC, vary: 'Accept' };

/**
 * Explains a problem type at its address: as JSON, or as a text to those who prefer to read, such as browsers.
 * @throws {Problem} 404 where there is no such type
 */
export function getProblemType({ filesUrl }: Pick<Files, 'filesUrl'>): Route {
  return async ({ request, response }, name) => {
    if (!isType(name)) throw new Problem('not-found');
    const { status, title } = PROBLEMS[name];
    const type = problemUri(name, filesUrl);
    const explanation = withoutLinks((await import('../problem-explanations.ts')).EXPLANATIONS[name]);
    if (prefersText(request.headers.accept)) {
      const page = `${title}\n\nStatus: ${status}\nType: ${type}\n\n${explanation}\n`;
      sendText(response, 200, 'text/plain; charset=utf-8', page, HEADERS);
    } else sendJson(response, 200, 'application/json', { type, title, status, explanation }, HEADERS);
  };
}

function isType(name: string): name is ProblemType {
  return Object.hasOwn(PROBLEMS, name);
}

function prefersText(accept: string | undefined): boolean {
  return ['text/html', 'text/plain'].some((type) => prefers(accept, type, 'application/json'));
}

/** Links lead to other pages of the documentation, which are not here. */
function withoutLinks(markdown: string): string {
  return markdown.replaceAll(/\[([^[\]]+)\]\([^()]+\)/g, '$1');
}
