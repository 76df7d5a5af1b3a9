import { readFile } from 'node:fs/promises';

const SOURCE = new URL('../../openapi.yaml', import.meta.url);

let contract: Promise<unknown> | undefined;

/** openapi.yaml, parsed when it is first asked for: the parser is not worth its time at every cold start. */
export function readContract(): Promise<unknown> {
  contract ??= Promise.all([import('yaml'), readFile(SOURCE, 'utf8')]).then(([{ parse }, text]) =>
    parse(text),
  );
  return contract;
}
