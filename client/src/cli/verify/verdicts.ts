import type { Handle } from '../../handle.ts';
import { jsonOf, requireProblem } from './answer.ts';
import { type Check, type Observed, type Run, type Subject, sentBefore } from './check.ts';
import { mustBe, NotHeld } from './not-held.ts';
import { freshBytes } from './samples.ts';

const SCANNER =
  'The scanner’s log at this time: "scan not completed" gives the cause; a StorageError 403 in it names the missing grant (terraform/iam.tf, docs/operations.md).';

export const verdicts: readonly Check[] = [
  ...(['small', 'direct', 'large'] as const).map((subject) => ({
    id: `verdict-${subject}`,
    promise: `A ${WORDS(subject)} becomes clean`,
    look: SCANNER,
    run: (run: Run) => clean(run, subject),
  })),
  {
    id: 'verdict-infected',
    promise: 'EICAR is found and named, and cannot be downloaded',
    look: 'ClamAV’s signatures (docs/signatures.md): every database finds EICAR. If it can be downloaded, take the service off the network.',
    run: async (run) => {
      const { handle, ms } = await sentBefore(run, 'eicar').decided;
      mustBe('state', handle.state, 'infected');
      if (!handle.signature) throw new NotHeld('a signature in the handle', 'none');
      requireProblem(await run.owner.call('GET', `/files/${handle.id}`), 410, 'file-infected');
      return { ms, note: handle.signature };
    },
  },
  {
    id: 'verdict-unscannable',
    promise: 'An encrypted archive never becomes clean',
    look: 'AlertEncrypted of clamd (infra/clamav/clamd.conf) in the sidecar’s image.',
    run: unscannable,
  },
  {
    id: 'wait',
    promise: 'Prefer: wait delays the response to an upload until the verdict',
    look: 'A proxy that buffers or drops Prefer; a scanner that takes longer than 30 s for 1 000 bytes.',
    run: async (run) => {
      const prefer = `wait=${Math.min(30, Math.ceil(run.timeoutMs / 1000))}`;
      const headers = {
        prefer,
        'content-disposition': `attachment; filename="${run.prefix}wait.bin"`,
      };
      const answer = await run.owner.expect([201], 'POST', '/files', { headers, body: freshBytes(1000) });
      mustBe('Preference-Applied', answer.headers.get('preference-applied'), prefer);
      mustBe('state', jsonOf<Handle>(answer).state, 'clean');
      return undefined;
    },
  },
];

function WORDS(subject: 'small' | 'direct' | 'large'): string {
  return { small: 'small file', direct: 'file of a direct session', large: 'file of 40 MiB' }[subject];
}

async function clean(run: Run, subject: Subject): Promise<Observed> {
  const { decided, sha256, bytes } = sentBefore(run, subject);
  const { handle, ms } = await decided;
  const why = [handle.state, handle.reason, handle.signature].filter(Boolean).join(', ');
  if (handle.state !== 'clean') throw new NotHeld('clean', why);
  mustBe('sha256', handle.sha256, sha256);
  mustBe('size', handle.size, bytes.length);
  if (!handle.scannedAt) throw new NotHeld('scannedAt in the handle', 'none');
  return {
    ms,
    note: `ClamAV ${handle.engine?.version ?? ''}, ${handle.engine?.databaseDate ? `signatures of ${handle.engine.databaseDate}` : 'undated signatures'}`,
  };
}

async function unscannable(run: Run): Promise<Observed> {
  const { handle, ms } = await sentBefore(run, 'encrypted').decided;
  mustBe('state', handle.state, 'unscannable');
  mustBe('reason', handle.reason, 'encrypted');
  // With ACCEPT_UNSCANNABLE, it can be downloaded and is marked `accepted`.
  const path = `/files/${handle.id}`;
  if (handle.accepted) await run.owner.expect([200], 'GET', path);
  else requireProblem(await run.owner.call('GET', path), 410, 'file-unscannable');
  return { ms, note: handle.accepted ? 'can be downloaded: ACCEPT_UNSCANNABLE' : 'encrypted' };
}
