import type { Bench, Row } from '../bench.ts';
import { defaultBurst, timesAt } from '../burst/default-burst.ts';
import { type BurstOutcome, simulateBurst } from '../burst/simulate.ts';
import { type Finding, figure } from '../finding.ts';
import { progressChart } from '../report/progress-chart.ts';
import { SMALL, smallFileFacts } from './latency/facts.ts';

export const burst: Row = { name: 'burst', title: 'Many files within a minute, simulated', measure };

/** Factor within which so many files should be decided. Minutes. */
const TARGET = { files: 100_000, atMost: 3 } as const;
const STARTS = {
  together: 'instances start together',
  oneByOne: 'instances start one after the other',
} as const;

async function measure(bench: Bench): Promise<readonly Finding[]> {
  const { decided, alone } = await smallFileFacts(bench);
  const times = timesAt(decided, alone);
  return bench.scale.burst.files.flatMap((files) => {
    const outcome = (starts: keyof typeof STARTS) => simulateBurst(defaultBurst(files, times, starts));
    const outcomes = { together: outcome('together'), oneByOne: outcome('oneByOne') };
    const series = Object.entries(outcomes).map(([starts, { progress }]) => ({
      name: STARTS[starts as keyof typeof STARTS],
      values: progress,
    }));
    const picture = {
      name: `burst-${files}.svg`,
      svg: progressChart(
        `${files} files of ${SMALL / 1000} KB within a minute: decided by the second`,
        series,
        files,
      ),
    };
    const minutes = (starts: keyof typeof STARTS): Finding => ({
      what: `${files} files, ${STARTS[starts]}: minutes`,
      against: 'Cloud Run and Pub/Sub as documented',
      ...(files === TARGET.files && { target: { atMost: TARGET.atMost } }),
      value: outcomes[starts].seconds / 60,
      unit: '',
      detail: `until all are decided; ${outcomeText(outcomes[starts])}`,
      limit: `One scanner decides ${figure(decided)} files a second here, a file alone takes ${figure(alone)} s, and a new instance 30 s to start.`,
    });
    return [
      { ...minutes('together'), picture },
      minutes('oneByOne'),
      {
        what: `${files} files: that ran out of attempts`,
        against: 'the same',
        target: { atMost: 0 },
        value: outcomes.together.deadLetters + outcomes.oneByOne.deadLetters,
        unit: '',
        detail: `the most attempts that one file took: ${Math.max(outcomes.together.mostAttempts, outcomes.oneByOne.mostAttempts)}`,
      },
    ];
  });
}

function outcomeText({ refusals, deliveries, mostInstances }: BurstOutcome): string {
  const { byScanner, byCloudRun } = refusals;
  const lost = ((byScanner + byCloudRun) / deliveries) * 100;
  return (
    `${deliveries} deliveries, of which the scanner refused ${byScanner} and Cloud Run ${byCloudRun}: ${figure(lost)} % of the ` +
    `attempts are lost; ${mostInstances} instances at most`
  );
}
