import { join } from 'node:path';
import { GIB, MIB, type Scale } from '../scale.ts';
import { type Stage, startStage } from './stage.ts';

/** The profile of latencies where none is asked for. */
const DISTANCE = 'flat';

type Kind = 'still' | 'live' | 'distant';

export interface Stages extends AsyncDisposable {
  readonly still: () => Promise<Stage>;
  readonly live: (options?: { readonly anew: boolean }) => Promise<Stage>;
  readonly distant: () => Promise<Stage>;
  /** Writes that Cloud Storage has refused since the stage before was stopped, because a name takes one a second. */
  readonly refused: () => Promise<number>;
}

/** One stage at a time, started when it is first asked for: two would share the processors. */
export function openStages(
  folder: string,
  scale: Scale,
  environment: Readonly<Record<string, string>>,
  databaseDirectory?: string,
): Stages {
  let current: { readonly kind: Kind; readonly stage: Stage } | undefined;
  const stop = async (): Promise<void> => {
    await current?.stage.stop();
    current = undefined;
  };
  const refused = async (): Promise<number> => (await current?.stage.operations())?.mutationsRefused ?? 0;
  const on = async (kind: Kind, anew = false): Promise<Stage> => {
    if (current?.kind === kind && !anew) return current.stage;
    await stop();
    const isDistant = kind === 'distant';
    const away = isDistant && environment['LATENCY'] === 'off' ? { LATENCY: DISTANCE } : {};
    const stage = await startStage({
      folder: join(folder, kind),
      events: kind !== 'still',
      environment: { ...environmentOf(scale), ...environment, ...away },
      asDeployed: isDistant,
      ...(databaseDirectory && { databaseDirectory }),
    });
    current = { kind, stage };
    return stage;
  };
  return {
    still: () => on('still'),
    live: (options) => on('live', options?.anew),
    distant: () => on('distant'),
    refused,
    [Symbol.asyncDispose]: stop,
  };
}

/** The largest file of the row on memory is over the maximum of one scan, and is still scanned, in windows. */
function environmentOf({ name }: Scale): Record<string, string> {
  const maxScan = name === 'full' ? GIB : 16 * MIB;
  // One owner stands for many here.
  const shares = { UPLOADS_PER_OWNER: '1000' };
  return { ...shares, MAX_SCAN_BYTES: String(maxScan), WINDOWED_SCAN_MAX_BYTES: String(8 * GIB) };
}
