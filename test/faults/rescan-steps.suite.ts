import { addSignature, removeSignature } from '../support/new-signature.ts';
import { eventually } from '../support/service.ts';
import { called, decide, sweptTo } from './decide.ts';
import { Rig, type Upload } from './rig.ts';
import { clean } from './samples.ts';
import { type Call, EFFECTS } from './storage-faults.ts';
import { attempt, type Trial } from './trial.ts';

const DAY_MS = 86_400_000;

/** A call about one content, so that each fault strikes one; or about a job, which is for all of a trial. */
type CallOf = (upload: Upload, job: string) => Call;

const about =
  (operation: Call['operation'], prefix: string, bucket: Call['bucket'] = 'permanent'): CallOf =>
  ({ sha256 }) => ({ operation, bucket, namePrefix: prefix + sha256 });
const ofJob =
  (operation: Call['operation'], part: string): CallOf =>
  (_upload, job) => ({ operation, bucket: 'permanent', namePrefix: `sweeper/rescans/${job}/${part}` });
const named =
  (operation: Call['operation'], namePrefix: string): CallOf =>
  () => ({ operation, bucket: 'permanent', namePrefix });

type Step = readonly [victim: 'sweeper' | 'rescanner', name: string, call: CallOf];

/** The calls of a job, and of the re-scan that follows from it. */
const FOUND: readonly Step[] = [
  ['sweeper', 'write the order', ofJob('objects.insert', 'order')],
  ['sweeper', 'list the contents', named('objects.list', '')],
  ['sweeper', 'keep the place', ofJob('objects.insert', 'progress')],
  ['sweeper', 'reserve of the budget', named('objects.patch', 'sweeper/rescan-budget')],
  ['sweeper', 'keep the end', ofJob('objects.patch', 'progress')],
  ['rescanner', 'get the content', about('objects.get', 'blobs/sha256/')],
  ['rescanner', 'get the finding', about('objects.get', 'findings/sha256/')],
  ['rescanner', 'read the bytes', about('objects.getMedia', 'blobs/sha256/')],
  ['rescanner', 'insert the finding', about('objects.insert', 'findings/sha256/')],
  ['rescanner', 'open the recall', about('objects.insert', 'recalls/sha256/')],
  ['rescanner', 'note that it is published', about('objects.patch', 'findings/sha256/')],
  ['rescanner', 'note the re-scan', about('objects.patch', 'blobs/sha256/')],
];

/** The calls that lead from a content in quarantine to its release by policy. */
const RELEASED: readonly Step[] = [
  ['rescanner', 'get the object', about('objects.get', 'sha256/', 'quarantine')],
  ['rescanner', 'read the bytes', about('objects.getMedia', 'sha256/', 'quarantine')],
  ['rescanner', 'note that it is clean', about('objects.patch', 'findings/sha256/')],
  ['sweeper', 'open the recall', about('objects.insert', 'recalls/sha256/')],
];

/** Enough for each kind of failure: refused, too late, refused too late, cut too late, silent, not allowed. */
const KINDS = new Set([
  '503',
  '500 although it took effect',
  'reset although it took effect',
  'silence',
  '403',
]);
const WAYS = [
  ...EFFECTS.filter(([name]) => KINDS.has(name)).map(([, effect]) => effect),
  { kind: 'delay', ms: 700 } as const,
];

describe('a re-scan under faults', () => {
  const rig = new Rig({}, {}, { CLEAN_IN_QUARANTINE: 'release' });
  let jobs = 0;

  /** Clean files that were stored days ago. */
  async function stored(trial: Trial, count: number, at: string): Promise<[Upload, ...Upload[]]> {
    const [first, ...others] = await trial.send(...Array.from({ length: count }, () => clean()));
    if (!first) throw new Error('nothing was sent');
    for (const { id = '', sha256 } of [first, ...others]) {
      await rig.decided(id);
      const name = `blobs/sha256/${sha256}`;
      const blob = await eventually(() => rig.bucket('permanent').stat(name));
      await rig.bucket('permanent').patch(name, blob, { cleanSince: at, scannedAt: at });
    }
    return [first, ...others];
  }

  /** Has a job ordered and worked on until it is over and a condition holds: the same calls again after whatever fails. */
  async function worked(job: string, criteria: object, isDone: () => Promise<boolean>): Promise<void> {
    const body = JSON.stringify({ job, ...criteria });
    await eventually(async () => {
      if (!(await called(rig, '/rescans', { body })) || !(await called(rig, '/rescan'))) return false;
      const response = await rig.sweeper(`/rescans?job=${job}`, { method: 'GET', as: 'operator' });
      return ((await response.json()) as { state?: string }).state === 'completed';
    });
    // A request that failed comes back by Pub/Sub.
    await eventually(isDone);
  }

  /** Read by a listing, since the faults are there for the calls of the service. */
  async function findingOf({ sha256 }: Upload): Promise<Readonly<Record<string, string>>> {
    const found = await rig.all('permanent', `findings/sha256/${sha256}`).catch(() => []);
    return found[0]?.metadata ?? {};
  }

  /** A new signature finds something in each content of a job, whatever strikes meanwhile; then the files are clean again. */
  async function found(trial: Trial, count: number, disturb: (all: Upload[], job: string) => Promise<void>) {
    // The contents of other trials are older.
    const cleanFrom = new Date(Date.now() - 2 * DAY_MS).toISOString();
    const all = await stored(trial, count, cleanFrom);
    const [first, ...others] = all.map(({ bytes }) => bytes);
    const job = `job-${++jobs}`;
    await addSignature(rig, [first ?? Buffer.alloc(0), ...others], `Late.Job${jobs}`);
    await disturb(all, job);
    const isFound = async (upload: Upload) => (await findingOf(upload))['announced'] === 'true';
    const working = worked(job, { cleanFrom }, async () =>
      (await Promise.all(all.map(isFound))).every(Boolean),
    );
    return { all, working };
  }

  async function undone(all: readonly Upload[]): Promise<void> {
    for (const upload of all) await decide(rig, 'release', upload);
  }

  for (const [victim, what, call] of FOUND) {
    it(`"${what}" fails in each way: every finding is published, and undone`, () =>
      attempt(
        rig,
        `re-scan: ${what}: each way`,
        async (trial) => {
          const { all, working } = await found(trial, WAYS.length, async (uploads, job) => {
            // Calls about a job are one for all its contents: each way strikes one try after another.
            const [one, other] = uploads.map((upload) => call(upload, job).namePrefix);
            const isOne = one === other;
            for (const [at, effect] of WAYS.entries()) {
              const upload = uploads[at];
              if (!upload) continue;
              const rule = call(upload, job);
              await rig.fault(
                isOne ? { ...rule, nth: at + 1, times: 1, effect } : { ...rule, times: 2, effect },
              );
            }
          });
          await working;
          await trial.clear();
          await undone(all);
        },
        240,
      ));

    for (const when of ['before', 'after'] as const) {
      it(`a ${victim} killed ${when} "${what}": the next one finds the same`, () =>
        attempt(
          rig,
          `${victim} killed: re-scan: ${what}, ${when} it took effect`,
          async (trial) => {
            const { all, working } = await found(trial, 1, async ([upload], job) => {
              if (upload) await rig.fault({ ...call(upload, job), effect: { kind: 'stall', when } });
            });
            await trial.struck(1);
            const { restarted } = rig.kill(victim);
            await trial.clear();
            await restarted;
            await working;
            await undone(all);
          },
          240,
        ));
    }
  }

  for (const [fault, order] of [
    ['and fails', { kind: 'fail', times: 4 }],
    ['and fails although it was taken', { kind: 'fail', times: 4, after: true }],
    ['late', { kind: 'delay', milliseconds: 1_500, times: 4 }],
    ['without an answer', { kind: 'stall', times: 2 }],
    ['without an answer although it was taken', { kind: 'stall', times: 2, after: true }],
  ] as const) {
    it(`a message that is published ${fault}: every content is asked for, and every finding published`, () =>
      attempt(
        rig,
        `re-scan: publish ${fault}`,
        async (trial) => {
          const { all, working } = await found(trial, 2, () =>
            rig.pubsubFault({ ...order, method: 'Publish' }),
          );
          await working;
          await trial.clear();
          await undone(all);
        },
        240,
      ));
  }

  /** Files that a signature has made infected, which is then withdrawn. */
  async function withdrawn(trial: Trial, count: number): Promise<Upload[]> {
    const { all, working } = await found(trial, count, async () => undefined);
    await working;
    for (const upload of all) await sweptTo(rig, upload, 'infected');
    await removeSignature(rig, all[0]?.bytes ?? Buffer.alloc(0), `Late.Job${jobs}`);
    return all;
  }
  const released = async (all: readonly Upload[]) => {
    await worked(`clean-${jobs}`, { quarantine: true }, async () => {
      await called(rig, '/rescan');
      const findings = await Promise.all(all.map(findingOf));
      return findings.every(({ releasedBy, announced }) => releasedBy === 'policy' && announced === 'true');
    });
    for (const upload of all) await sweptTo(rig, upload, 'clean');
  };

  for (const [victim, what, call] of RELEASED) {
    it(`"${what}" of a withdrawn signature fails in each way: the files are clean again`, () =>
      attempt(
        rig,
        `quarantine: ${what}: each way`,
        async (trial) => {
          const all = await withdrawn(trial, WAYS.length);
          for (const [at, effect] of WAYS.entries()) {
            const upload = all[at];
            if (upload) await rig.fault({ ...call(upload, ''), times: 2, effect });
          }
          await released(all);
        },
        240,
      ));

    for (const when of ['before', 'after'] as const) {
      it(`a ${victim} killed ${when} "${what}" of a withdrawn signature: the next one does it`, () =>
        attempt(
          rig,
          `${victim} killed: quarantine: ${what}, ${when} it took effect`,
          async (trial) => {
            const all = await withdrawn(trial, 1);
            const [upload] = all;
            if (upload) await rig.fault({ ...call(upload, ''), effect: { kind: 'stall', when } });
            const releasing = released(all);
            await trial.struck(1);
            const { restarted } = rig.kill(victim);
            await trial.clear();
            await restarted;
            await releasing;
          },
          240,
        ));
    }
  }
});
