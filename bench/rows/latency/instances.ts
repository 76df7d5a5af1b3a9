import { randomBytes } from 'node:crypto';
import type { Bench, Row } from '../../bench.ts';
import { type Finding, figure } from '../../finding.ts';
import { moduleDefaults } from '../../stage/module-defaults.ts';
import { startAnother } from '../../stage/start-another.ts';
import { type Instances, type Load, oneOfEach, type Passed, throughUs } from './backlog.ts';
import { usageText } from './throughput.ts';

export const latencyInstances: Row = {
  name: 'latency-instances',
  title: 'Several instances over one Cloud Storage, at a latency of 40 ms',
  measure,
};

const SIZE = 1_000;

async function measure({ scale, distant }: Bench): Promise<readonly Finding[]> {
  const { instances, warmUp, files } = scale.latencyInstances;
  const stage = await distant();
  const one = oneOfEach(stage);
  await using started = new AsyncDisposableStack();
  const more = async (name: 'upload' | 'scanner') => {
    const others = await Promise.all(Array.from({ length: instances - 1 }, () => startAnother(stage, name)));
    for (const other of others) started.use(other);
    return [...one[name], ...others];
  };
  const several: Instances = { upload: await more('upload'), scanner: await more('scanner') };
  const through = async (taking: Instances, count: number): Promise<Passed> => {
    stage.front?.leadTo(...taking.scanner.map(({ url }) => url));
    return throughUs(stage, loadOf(taking, count), taking);
  };
  if (warmUp > 0) {
    await through(one, warmUp);
    await through(several, warmUp * instances);
  }
  const alone = await through(one, files);
  const together = await through(several, files * instances);
  stage.front?.leadTo(stage.url('scanner'));
  const text = ({ uploaded, decided, refused }: Passed) =>
    `${figure(uploaded)} uploaded and ${figure(decided)} decided a second, ${figure(refused * 100)} % refused`;
  const common = { against: 'one of each', unit: '×' };
  return [
    {
      ...common,
      what: `1 KB: files that ${instances} scanners decide a second`,
      value: together.decided / alone.decided,
      detail: `${text(together)}; one of each: ${text(alone)}. ${usageText(together)}. All share this machine, one clamd and one emulator`,
    },
    {
      ...common,
      what: `1 KB: files that ${instances} uploads take a second`,
      value: together.uploaded / alone.uploaded,
      detail: `${moduleDefaults().concurrency.upload} at a time to each. One of each alone: ${usageText(alone)}`,
    },
  ];
}

function loadOf({ upload }: Instances, files: number): Load {
  const uploads = moduleDefaults().concurrency.upload * upload.length;
  return { files, content: () => randomBytes(SIZE), uploads };
}
