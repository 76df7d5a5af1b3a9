import { readFile } from 'node:fs/promises';

const TEMPLATE = new URL('../../clamav/clamd.conf', import.meta.url);

/** The values of `infra/clamav/clamd.conf`, which says what they mean and how they belong together. */
export interface ConfValues {
  readonly CLAMD_ADDRESS: string;
  readonly CLAMD_PORT: number;
  readonly DATABASE_DIRECTORY: string;
  readonly TEMPORARY_DIRECTORY: string;
  readonly MAX_STREAM_BYTES: number;
  readonly MAX_SCAN_BYTES: number;
  readonly MAX_MEMBER_BYTES: number;
  readonly MAX_THREADS: number;
  readonly DISABLE_CACHE: 'yes' | 'no';
}

/** Whether it is ClamAV 1.5 or newer, by what `clamd --version` prints: as `is_1_5` in infra/clamav/settings.sh. */
export function is1Point5(version: string): boolean {
  const [, major, minor] = /^ClamAV (\d{1,4})\.(\d{1,4})/.exec(version) ?? [];
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 5);
}

/** Fills in the production configuration, so that what is tested on one machine is what is deployed. */
export async function renderConf(values: ConfValues): Promise<string> {
  const known = new Map(Object.entries(values).map(([name, value]) => [name, conformed(name, `${value}`)]));
  const lines = (await readFile(TEMPLATE, 'utf8')).split('\n').filter((line) => !line.startsWith('#'));
  return lines.join('\n').replace(/\$\{(\w*)\}/g, (_, name: string) => {
    const value = known.get(name);
    if (value === undefined) throw new Error(`clamd.conf asks for ${name}, which nobody fills in`);
    return value;
  });
}

/** A newline would be another option; clamd cuts a value at a quotation mark or at a space at its end. */
function conformed(name: string, value: string): string {
  if (/[\p{Cc}"#]|^\s|\s$|^$/u.test(value)) throw new Error(`${name} cannot be written to clamd.conf`);
  return value;
}
