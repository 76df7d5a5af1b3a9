import { dollars } from './prices.ts';
import type { Size } from './sizes.ts';

const MILLION = 1_000_000;
/** Length of a mean month. */
const MONTH_SECONDS = (365.25 / 12) * 86_400;

/** Operations of Cloud Storage that one file takes, and files a second that one instance takes. */
export interface FileFacts {
  /** Operations a file; the notification is one of class B. */
  readonly classA: number;
  readonly classB: number;
  /** Files a second of one busy instance. */
  readonly uploaded: number;
  readonly decided: number;
}

type Sizes = Readonly<Record<'upload' | 'files' | 'scanner', Size>>;

/** US dollars a million files, by what they are paid for. */
export interface CostOfFiles {
  readonly operations: number;
  readonly upload: number;
  readonly scanner: number;
}

/** Cost in instances that are busy: those that wait for requests cost what {@link idleCosts} says. */
export function costOfMillion(
  { classA, classB, uploaded, decided }: FileFacts,
  { upload, scanner }: Sizes,
  scannerBilling: 'request' | 'instance',
): CostOfFiles {
  return {
    operations: dollars('classA', classA * MILLION) + dollars('classB', classB * MILLION),
    upload: instanceSeconds(upload, MILLION / uploaded, 'request'),
    scanner: instanceSeconds(scanner, MILLION / decided, scannerBilling),
  };
}

/** US dollars a month without a file. */
export interface IdleCosts {
  /** Cost with the module's defaults: one upload, one files, billed by request, and one scanner, billed by instance. */
  readonly moduleDefaults: number;
  /** The same, with the scanner billed by request. */
  readonly requestBased: number;
  /** Cost with no instance kept: all of them start with the first request. */
  readonly scaledToZero: number;
}

/** @param kept `min_instances` of each */
export function idleCosts(
  { upload, files, scanner }: Sizes,
  kept: Readonly<Record<'upload' | 'files' | 'scanner', number>>,
): IdleCosts {
  const idle = (size: Size, instances: number) => instanceSeconds(size, MONTH_SECONDS * instances, 'idle');
  const api = idle(upload, kept.upload) + idle(files, kept.files);
  return {
    moduleDefaults: api + instanceSeconds(scanner, MONTH_SECONDS * kept.scanner, 'instance'),
    requestBased: api + idle(scanner, kept.scanner),
    scaledToZero: 0,
  };
}

function instanceSeconds(
  { vcpus, gib }: Size,
  seconds: number,
  billing: 'request' | 'idle' | 'instance',
): number {
  return dollars(`${billing}Cpu`, vcpus * seconds) + dollars(`${billing}Memory`, gib * seconds);
}
