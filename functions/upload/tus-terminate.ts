import type { FileId } from '../../shared/files/file-id.ts';
import { claimPartials } from '../../shared/files/partial-uploads.ts';
import { removeParts } from '../../shared/files/parts.ts';
import { withdraw } from '../../shared/files/withdraw.ts';
import { Problem } from '../../shared/http/problems.ts';
import type { RequestContext } from '../../shared/http/service.ts';
import type { Caller } from '../../shared/identity/caller.ts';
import { retryOnConflict } from '../../shared/storage/retry-on-conflict.ts';
import { standing } from './tus-body.ts';
import { alive, find, locked } from './tus-standing.ts';
import type { Tus } from './uploads.ts';

/** References that are counted for an answer, at most. */
const MOST_COUNTED = 1000;
const REFERENCED = 'The upload is complete and its file is in use. Remove the references first.';

/** Cancels an upload. A complete one is a file, which is deleted. @throws {Problem} */
export async function terminate(
  tus: Tus,
  { audit }: RequestContext,
  caller: Caller,
  id: string,
): Promise<void> {
  tus.latest.take(id);
  const ended = await retryOnConflict(async () => {
    const { record, current } = await find(tus, caller, id);
    const now = await standing(tus, record);
    const live = alive(tus, now);
    if (!current) return terminatePartial(tus, record.id);
    if (!live) {
      audit.action = 'delete';
      audit.fileId = record.id;
      const step = await withdraw(tus, { ...current, record: now.record });
      if (step === 'referenced') throw await stillReferenced(tus, record.id);
      return typeof step === 'object' ? undefined : 'conflict';
    }
    if (!(await tus.records.replace(current, { ...live.record, state: 'expired' }))) return 'conflict';
    return removeParts(tus.unscanned, record.id);
  });
  if (ended === 'conflict') throw locked();
}

/** It is claimed first, so that no file is made of what is about to go. @throws {Problem} where one has it */
async function terminatePartial({ unscanned }: Tus, id: FileId): Promise<void> {
  if (!(await claimPartials(unscanned, [id], undefined))) throw new Problem('partial-combined');
  await removeParts(unscanned, id);
}

async function stillReferenced({ references }: Tus, id: FileId): Promise<Problem> {
  const members = { references: await references.count(id, MOST_COUNTED) };
  return new Problem('file-referenced', { detail: REFERENCED, members });
}
