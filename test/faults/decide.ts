import { eventually } from '../support/service.ts';
import type { Rig, Upload } from './rig.ts';

/** An operator's word about a content. */
export type Phase = 'condemn' | 'release';

const STATES = { condemn: 'infected', release: 'clean' } as const;

/** Repeats the order until it is taken, and sweeps until the file has the state that it asks for. */
export async function decide(rig: Rig, phase: Phase, upload: Upload): Promise<void> {
  const body = JSON.stringify({ sha256: upload.sha256, reason: 'a test' });
  await eventually(() => called(rig, `/${phase}`, { body }));
  await sweptTo(rig, upload, STATES[phase]);
}

/** Sweeps until a file has a state, and nothing is left to be done for its content. */
export async function sweptTo(rig: Rig, { id = '', sha256 }: Upload, state: string): Promise<void> {
  await eventually(async () => {
    await called(rig, '/sweep');
    const open = await rig.names('permanent', `recalls/sha256/${sha256}`);
    return (await rig.status(id)).state === state && open.length === 0;
  });
}

/** @returns whether the sweeper was there and did it */
export async function called(
  rig: Rig,
  path: string,
  init: Parameters<Rig['sweeper']>[1] = {},
): Promise<boolean> {
  return rig.sweeper(path, init).then(
    ({ ok }) => ok,
    () => false,
  );
}
