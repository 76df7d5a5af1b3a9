import { isNotFound, type State } from '../../../../client/src/index.ts';
import type { TrackedFile } from './tracked-file.ts';
import type { TransferState } from './transfer.ts';

/** One word for what a file is now, and the colour that goes with it. */
export interface Badge {
  readonly kind: 'busy' | 'good' | 'bad' | 'unsure' | 'off';
  readonly text: string;
}

export const STATES: Readonly<Record<State, Badge>> = {
  uploading: { kind: 'unsure', text: 'Not complete' },
  pending: { kind: 'busy', text: 'Pending' },
  clean: { kind: 'good', text: 'Clean' },
  infected: { kind: 'bad', text: 'Infected' },
  unscannable: { kind: 'unsure', text: 'Unscannable' },
  failed: { kind: 'bad', text: 'Failed' },
  expired: { kind: 'off', text: 'Expired' },
  deleted: { kind: 'off', text: 'Deleted' },
};

const TRANSFERS: Readonly<Record<Exclude<TransferState['kind'], 'sent'>, Badge>> = {
  queued: { kind: 'busy', text: 'In line' },
  sending: { kind: 'busy', text: 'Uploading' },
  paused: { kind: 'unsure', text: 'Paused' },
  interrupted: { kind: 'unsure', text: 'Interrupted' },
  refused: { kind: 'bad', text: 'Refused' },
};

export function stateBadge(state: State): Badge {
  return STATES[state];
}

export function badgeOf({ transfer, handle, refusal, deletion }: TrackedFile): Badge {
  if (deletion) return { kind: 'off', text: 'Deleting' };
  if (transfer && transfer.state.kind !== 'sent') return TRANSFERS[transfer.state.kind];
  // All of it went out from here, so it waits for its scan.
  if (transfer && handle?.state === 'uploading') return STATES.pending;
  if (handle) return STATES[handle.state];
  if (refusal === undefined) return { kind: 'busy', text: 'Asking' };
  return { kind: 'off', text: isNotFound(refusal) ? 'Not found' : 'Not known' };
}
