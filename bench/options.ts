import { parseArgs } from 'node:util';
import { parseLatency } from '../infra/emulators/common/latency/latency.ts';

export interface Options {
  readonly quick: boolean;
  /** Names of rows; none means all. */
  readonly only: readonly string[];
  /** `LATENCY` of the emulators. */
  readonly latency: string;
  /** How many synthetic signatures ClamAV has; 0 for the development ones. */
  readonly signatures: number;
}

/** @throws {Error} one line that says what is wrong */
export function parseOptions(argv: readonly string[], names: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      latency: { type: 'string', default: 'off' },
      signatures: { type: 'string', default: '0' },
    },
  });
  const only = (values.only ?? []).flatMap((text) => text.split(','));
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`--only takes ${names.join(', ')}, not ${unknown.join(', ')}`);
  parseLatency(values.latency);
  if (!/^\d{1,8}$/.test(values.signatures))
    throw new Error(`--signatures takes a number, not ${values.signatures}`);
  return { quick: values.quick, only, latency: values.latency, signatures: Number(values.signatures) };
}
