import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { sendHead } from '../../shared/http/respond.ts';

/** Begins an answer of JSON lines. Each waits until the client takes it, and fails where the client goes away. */
export function jsonLines(response: ServerResponse) {
  sendHead(response, 200, { 'content-type': 'application/x-ndjson' });
  const writer = Writable.toWeb(response).getWriter();
  return {
    send: (line: object): Promise<void> => writer.write(`${JSON.stringify(line)}\n`),
    end: (): Promise<void> => writer.close(),
  };
}
