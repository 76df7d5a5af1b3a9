import type { Bench, Row } from '../bench.ts';
import { empty } from '../clean.ts';
import { type Finding, figure } from '../finding.ts';
import { drain, send } from '../http.ts';
import { ONCE, type Rounds, secondsOf, sideBySide } from '../side-by-side.ts';
import type { Stage } from '../stage/stage.ts';
import { median } from '../stats.ts';

const SMALL_OBJECTS = 500;
const IN_FLIGHT = 8;
const ROUNDS: Rounds = { times: 3, withinSeconds: 15 };

/** The emulator alone, on which all other rows depend. */
export const emulator: Row = { name: 'emulator', title: 'The emulator alone', measure };

async function measure({ scale, still }: Bench): Promise<readonly Finding[]> {
  const { bytes } = scale.upload;
  const stage = await still();
  let objects = 0;
  const upload = (): Promise<void> => {
    objects += 1;
    return put(stage, `alone-${objects}`, bytes);
  };
  const rate = async (work: () => Promise<unknown>): Promise<number> => bytes / 1e6 / (await secondsOf(work));
  const contenders = {
    up: () => rate(upload),
    down: () => rate(() => drain(mediaOf(stage, `alone-${objects}`))),
  };
  await sideBySide(contenders, ONCE);
  const { up, down } = await sideBySide(contenders, ROUNDS);
  const small = await secondsOf(() => insertMany(stage));
  await empty(stage.bucket('unscanned'));
  return [
    measured(`Writes ${bytes / 2 ** 20} MiB in one resumable PUT`, median(up), ' MB/s'),
    measured(`Reads ${bytes / 2 ** 20} MiB`, median(down), ' MB/s'),
    measured(`Inserts of 1 KB, ${IN_FLIGHT} in flight`, SMALL_OBJECTS / small, ' a second'),
  ];
}

function measured(what: string, value: number, unit: string): Finding {
  return { what, against: 'the emulator alone', value, unit, detail: `${figure(value)}${unit}` };
}

async function put({ storageUrl }: Stage, name: string, bytes: number): Promise<void> {
  const url = `${storageUrl}/upload/storage/v1/b/unscanned/o?uploadType=resumable&name=${name}`;
  const { headers } = await send(url, { method: 'POST', body: Buffer.from('{}') });
  await send(headers.location ?? '', { method: 'PUT', body: bytes });
}

async function insertMany({ storageUrl }: Stage): Promise<void> {
  const body = Buffer.alloc(1_000, 'small');
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < SMALL_OBJECTS) {
      next += 1;
      const url = `${storageUrl}/upload/storage/v1/b/unscanned/o?uploadType=media&name=small-${next}`;
      await send(url, { method: 'POST', body });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
}

function mediaOf({ storageUrl }: Stage, name: string): string {
  return `${storageUrl}/storage/v1/b/unscanned/o/${name}?alt=media`;
}
