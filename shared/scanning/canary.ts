import type { Scanner } from './clamd.ts';

/**
 * The EICAR test file (https://www.eicar.org/download-anti-malware-testfile/): 68 harmless bytes that every scanner
 * reports. Not written as text, or scanners on developers' machines would take this file away.
 */
export const EICAR = Buffer.from(
  '58354f2150254041505b345c505a58353428505e2937434329377d2445494341522d5354414e444152442d414e544956495255532d544553542d46494c452124482b482a',
  'hex',
);

const HARMLESS = Buffer.from('nothing to see here\n');

/**
 * Whether the scanner tells malware from what is not: it finds the EICAR file, and nothing in a harmless one. PING
 * says only that clamd lives; without signatures it calls everything clean (docs/platform-facts.md#ready).
 *
 * @throws {ScanFault} if there is no verdict
 */
export async function detectsCanary(scanner: Scanner, signal?: AbortSignal): Promise<boolean> {
  const options = signal === undefined ? {} : { signal };
  const eicar = await scanner.scan(once(EICAR), { size: EICAR.length, ...options });
  const harmless = await scanner.scan(once(HARMLESS), { size: HARMLESS.length, ...options });
  return eicar.kind === 'infected' && harmless.kind === 'clean';
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
