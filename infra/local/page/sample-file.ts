import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { sendProblem } from '../gateway/problem.ts';
import { samples } from '../samples/samples.ts';

export const SAMPLE_PATH = '/local/samples/';

/** Answers with the sample that a path names. */
export async function sendSample(path: string, response: ServerResponse): Promise<void> {
  const name = path.slice(SAMPLE_PATH.length);
  const sample = samples().find((known) => known.name === name);
  if (!sample) return sendProblem(response, 404, 'There is no such sample.');
  response.writeHead(200, {
    'Content-Type': sample.contentType,
    'Content-Disposition': `attachment; filename="${name}"`,
    'Content-Security-Policy': 'sandbox',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
  });
  // A client that disconnects early needs no answer.
  await pipeline(sample.open(), response).catch(() => undefined);
}
