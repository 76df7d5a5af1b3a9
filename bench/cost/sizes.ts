import { sizesFor } from '../../shared/scanning/sizes.ts';
import { moduleNumber, moduleText } from '../stage/module-defaults.ts';

/** Processors and memory for which Cloud Run bills an instance. */
export interface Size {
  readonly vcpus: number;
  readonly gib: number;
}

const MIB = 2 ** 20;

/** @throws {Error} where the module says it in another way than this reads it */
export function moduleSizes(): Readonly<Record<'upload' | 'files' | 'scanner', Size>> {
  return { upload: sizeOf('upload'), files: sizeOf('files'), scanner: scannerSize() };
}

function sizeOf(variable: 'upload' | 'files'): Size {
  const memory = moduleText(variable, 'memory');
  const [, amount, unit] = /^(\d+)(Mi|Gi)$/.exec(memory) ?? [];
  if (amount === undefined) throw new Error(`not a size: ${memory}`);
  return {
    vcpus: Number(moduleText(variable, 'cpu')),
    gib: Number(amount) / (unit === 'Mi' ? 1024 : 1),
  };
}

/** The function, and ClamAV beside it, as terraform/scanner.tf works it out. */
function scannerSize(): Size {
  const slots = moduleNumber('scanner', 'slots');
  const { temporary } = sizesFor(moduleNumber('scanner', 'max_scan_bytes'));
  const scratchMib = Math.ceil((temporary / MIB) * slots) + 64;
  const clamavGib = Math.ceil((moduleNumber('scanner', 'signature_memory_mib') + scratchMib) / 1024);
  const forMemory = clamavGib <= 4 ? 1 : clamavGib <= 8 ? 2 : clamavGib <= 16 ? 4 : 6;
  return { vcpus: 1 + Math.max(slots, forMemory), gib: 0.5 + clamavGib };
}
