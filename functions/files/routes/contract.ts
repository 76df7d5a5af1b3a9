import { readFile } from 'node:fs/promises';
import { sendJson } from '../../../shared/http/respond.ts';
import type { Route } from '../router.ts';

const SOURCE = new URL('../../../openapi.yaml', import.meta.url);
const PUBLIC = { 'cache-control': 'public, max-age=300' };

let contract: Promise<unknown> | undefined;

/** openapi.yaml as JSON, for everybody: it says nothing about anybody. */
export const getContract: Route = async ({ response }) => {
  // Parsed when it is first asked for: the parser is not worth its time at every cold start.
  contract ??= Promise.all([import('yaml'), readFile(SOURCE, 'utf8')]).then(([{ parse }, text]) =>
    parse(text),
  );
  sendJson(response, 200, 'application/json', await contract, PUBLIC);
};
