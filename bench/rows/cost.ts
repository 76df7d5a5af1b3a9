import type { Bench, Row } from '../bench.ts';
import { costOfMillion, idleCosts } from '../cost/cost.ts';
import { moduleSizes } from '../cost/sizes.ts';
import { type Finding, figure } from '../finding.ts';
import { moduleDefaults } from '../stage/module-defaults.ts';
import { SMALL, smallFileFacts } from './latency/facts.ts';

export const cost: Row = { name: 'cost', title: 'What it costs, by list prices', measure };

const AGAINST = 'bench/cost/prices.json, undated';

const WARM =
  'A warm scanner keeps its signatures in memory and fresh, which takes a processor at all times: docs/performance.md. ' +
  'The module can scale it to zero, for $0.';

async function measure(bench: Bench): Promise<readonly Finding[]> {
  const facts = await smallFileFacts(bench);
  const sizes = moduleSizes();
  const byInstance = costOfMillion(facts, sizes, 'instance');
  const byRequest = costOfMillion(facts, sizes, 'request');
  const idle = idleCosts(sizes, moduleDefaults().minInstances);
  const million = `A million files of ${SMALL / 1000} KB`;
  const month = 'A month without a file';
  const { vcpus, gib } = sizes.scanner;
  const dollar = (
    what: string,
    value: number,
    detail: string,
    bound: Pick<Finding, 'target' | 'limit'> = {},
  ): Finding => ({ what, against: AGAINST, value, unit: ' $', detail, ...bound });
  const operations = `${figure(facts.classA)} of class A and ${figure(facts.classB)} of class B a file, notifications among them`;
  const instance = `an instance has ${vcpus} processors and ${gib} GiB and decides ${figure(facts.decided)} files a second`;
  return [
    dollar(`${million}: operations of Cloud Storage`, byInstance.operations, operations),
    dollar(
      `${million}: upload function`,
      byInstance.upload,
      `billed by request; ${figure(facts.uploaded)} files a second`,
    ),
    dollar(
      `${million}: scanner, billed by instance`,
      byInstance.scanner,
      `as the module has it; ${instance}`,
    ),
    dollar(
      `${million}: compute`,
      byInstance.upload + byInstance.scanner,
      'upload function and scanner, as the module has them',
      { target: { atMost: 1 } },
    ),
    dollar(`${million}: scanner, billed by request`, byRequest.scanner, instance),
    dollar(
      `${month}: the module's defaults`,
      idle.moduleDefaults,
      'one warm instance each of upload, files and scanner',
      { target: { atMost: 60 }, limit: WARM },
    ),
    dollar(
      `${month}: one warm scanner, billed by request`,
      idle.requestBased,
      'and the same upload and files',
    ),
    dollar(
      `${month}: scaled to zero`,
      idle.scaledToZero,
      'the first file waits until ClamAV has loaded its signatures',
    ),
  ];
}
