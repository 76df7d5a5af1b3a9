import { createHash } from 'node:crypto';
import { sleep } from '../../backoff.ts';
import { type Handle, isUnderWay } from '../../handle.ts';
import { type Answer, jsonOf, requireStatus } from './answer.ts';
import type { Caller } from './caller.ts';
import type { Run, Sent } from './check.ts';
import { mustBe, NotHeld } from './not-held.ts';

/** Seconds of a long poll: what is in front ends longer ones. */
const POLL_SECONDS = 20;

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Waits for the verdict from now on, whether or not somebody asks for it. */
export function follow(run: Run, id: string, bytes: Uint8Array<ArrayBuffer>): Sent {
  const decided = verdictOf(run, run.owner, id);
  // A check that asks for it gets the error; until then nobody may.
  decided.catch(() => undefined);
  return { id, bytes, sha256: sha256Of(bytes), decided };
}

async function verdictOf(run: Run, caller: Caller, id: string): Promise<{ handle: Handle; ms: number }> {
  const began = performance.now();
  for (;;) {
    const headers = { prefer: `wait=${POLL_SECONDS}` };
    const answer = requireStatus(await caller.call('GET', `/files/${id}/status`, { headers }), 200);
    const handle = jsonOf<Handle>(answer);
    const ms = performance.now() - began;
    if (!isUnderWay(handle)) return { handle, ms };
    if (ms > run.timeoutMs)
      throw new NotHeld(
        `a verdict within ${run.timeoutMs / 1000} s`,
        `still ${handle.state}`,
        STUCK[handle.state],
      );
    await sleep(250, run.signal);
  }
}

const STUCK: Readonly<Partial<Record<Handle['state'], string>>> = {
  pending:
    'The scanner gives no verdict. "engine unfit, files wait" in its log: stale or missing signatures (docs/signatures.md: fill the mirror); "scan not completed": the line gives the cause. No line at all: the finalized topic, its push subscription and run.invoker of the push account (docs/operations.md).',
  uploading:
    'The completed upload was not noticed: the bucket’s notification to the finalized topic, or its push to the scanner (docs/operations.md). The sweeper finishes it later.',
};

/** @throws {NotHeld} where it does not lead to the file at the files function */
export function requireLocation(run: Run, answer: Answer, id: string): void {
  mustLead('Location', answer.headers.get('location') ?? '', fileUrl(run, id), answer);
}

/** @throws {NotHeld} where they do not lead to the file at the files function */
export function requireLinks(run: Run, answer: Answer, { id, links }: Handle): void {
  mustLead('links.self', links?.self ?? '', fileUrl(run, id), answer);
}

function fileUrl({ hosts }: Run, id: string): string {
  return `${hosts.files}/files/${id}`;
}

const FILES_URL =
  'FILES_URL of the upload function must be the URL of the files function (Terraform: public_url, the domain of the load balancer, or the run.app name). If the service has several host names, pass that one as --files-url.';

function mustLead(what: string, uri: string, expected: string, { url }: Answer): void {
  const leads = uri && URL.canParse(uri, url) ? new URL(uri, url).href : 'none';
  mustBe(what, leads, new URL(expected).href, FILES_URL);
}
