import type { FaultRule } from '../../infra/emulators/storage/src/faults/faults.ts';
import { silent } from '../shared/scanning/hostile.ts';
import { SCAN } from './clamd-commands.ts';
import type { Rig } from './rig.ts';
import { clean, infected, type Sample, unscannable } from './samples.ts';

/** A moment of the scan at which the process can be held, named by the call that it is in. */
export interface Step {
  readonly name: string;
  /** Holds each process that gets there, before the call takes effect or after it did. */
  readonly hold: (rig: Rig, when: 'before' | 'after') => Promise<void>;
  /** Calls that are held once every file is where it can get to. */
  readonly held: number;
  readonly moments: readonly ('before' | 'after')[];
  readonly samples?: () => readonly Sample[];
}

const MIB = 2 ** 20;

function storage(rule: Omit<FaultRule, 'effect'>): Step['hold'] {
  return (rig, when) => rig.fault({ ...rule, effect: { kind: 'stall', when } });
}

/** One of each kind, and one whose content is known already. */
export function oneOfEach(known: Sample): readonly Sample[] {
  return [clean(), infected(), unscannable(), known];
}

const large = () => [clean(12 * MIB), infected(12 * MIB)];
const BOTH = ['before', 'after'] as const;

/** Two scan at a time, and a content that is known needs no scan: hence the counts. */
export const SCAN_STEPS: readonly Step[] = [
  {
    name: 'reading the record',
    hold: storage({ operation: 'objects.get', bucket: 'permanent', namePrefix: 'files/' }),
    held: 4,
    moments: ['before'],
  },
  {
    name: 'reading the verdict',
    hold: storage({ operation: 'objects.get', bucket: 'permanent', namePrefix: 'verdicts/' }),
    held: 4,
    moments: ['before'],
  },
  {
    name: 'looking for the blob',
    hold: storage({ operation: 'objects.get', bucket: 'permanent', namePrefix: 'blobs/' }),
    held: 4,
    moments: ['before'],
  },
  {
    name: 'opening the bytes',
    hold: storage({ operation: 'objects.getMedia', bucket: 'unscanned' }),
    held: 2,
    moments: ['before'],
  },
  {
    name: 'in the middle of the bytes',
    hold: async (rig) => {
      const media = { operation: 'objects.getMedia', bucket: 'unscanned' } as const;
      await rig.fault({ ...media, times: 2, effect: { kind: 'truncate', bytes: 500 } });
      await rig.fault({ ...media, nth: 3, times: 10, effect: { kind: 'stall' } });
    },
    held: 4,
    moments: ['before'],
  },
  {
    name: 'sending to clamd',
    hold: async (rig) => rig.clamd.plan((socket) => void socket.pause(), 10, SCAN),
    held: 2,
    moments: ['before'],
    samples: large,
  },
  {
    name: 'waiting for clamd',
    hold: async (rig) => rig.clamd.plan(silent, 10, SCAN),
    held: 2,
    moments: ['before'],
  },
  {
    name: 'promoting or quarantining',
    hold: storage({ operation: 'objects.rewrite' }),
    held: 3,
    moments: BOTH,
  },
  {
    name: 'promoting the same content twice',
    hold: storage({ operation: 'objects.rewrite' }),
    held: 2,
    moments: BOTH,
    samples: () => {
      const one = clean();
      return [one, one];
    },
  },
  {
    name: 'writing the verdict',
    hold: storage({ operation: 'objects.insert', bucket: 'permanent', namePrefix: 'verdicts/' }),
    held: 4,
    moments: BOTH,
  },
  {
    name: 'publishing',
    hold: (rig, when) =>
      rig.pubsubFault({ kind: 'stall', method: 'Publish', times: 10, after: when === 'after' }),
    held: 1,
    moments: BOTH,
  },
  {
    name: 'deleting the source',
    hold: storage({ operation: 'objects.delete', bucket: 'unscanned' }),
    held: 4,
    moments: BOTH,
  },
];
