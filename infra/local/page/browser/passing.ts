import { FileshareConnectionError, FileshareProblem, isIntakePaused } from '../../../../client/src/index.ts';

/** Time after which the service is asked again that gave no answer, or none that stays; ms. */
export const REST_MS = 30_000;

const PASSING: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** Whether the service may answer otherwise later, with nobody doing anything about it. */
export function isPassing(error: unknown): boolean {
  if (error instanceof FileshareConnectionError) return true;
  return error instanceof FileshareProblem && PASSING.has(error.status) && !isIntakePaused(error);
}
