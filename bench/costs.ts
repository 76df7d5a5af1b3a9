import { createHash } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import { type CpuTime, total } from './process.ts';
import { GIB, MIB } from './scale.ts';

const PIECE = Buffer.alloc(64 * 1024, 1);
const SAMPLE_BYTES = 64 * MIB;

/** Seconds of one core that a GiB takes in parts of the work that no program can do without. Measured here and now. */
export interface UnitCosts {
  readonly sha256: number;
  readonly crc32c: number;
  /** Copies into the buffer of a chunk, so that it can be sent again. */
  readonly copy: number;
}

export function unitCosts(): UnitCosts {
  const sha256 = createHash('sha256');
  const chunk = Buffer.allocUnsafeSlow(8 * MIB);
  let [checksum, at] = [0, 0];
  return {
    sha256: secondsAGib(() => void sha256.update(PIECE)),
    crc32c: secondsAGib(() => {
      checksum = crc32c(PIECE, checksum);
    }),
    copy: secondsAGib(() => {
      chunk.set(PIECE, at);
      at = (at + PIECE.length) % chunk.length;
    }),
  };
}

function secondsAGib(work: () => void): number {
  const start = performance.now();
  for (let done = 0; done < SAMPLE_BYTES; done += PIECE.length) work();
  return ((performance.now() - start) / 1000) * (GIB / SAMPLE_BYTES);
}

/** Such as `upload 1.20 s (0.71 user, 0.49 kernel)`. */
export function cpuText(cpu: Readonly<Record<string, CpuTime>>, unit: 's' | 'ms' = 's'): string {
  return Object.entries(cpu)
    .map(([name, time]) => {
      const parts = `${time.user.toFixed(2)} user, ${time.kernel.toFixed(2)} kernel`;
      return `${name} ${total(time).toFixed(2)} ${unit} (${parts})`;
    })
    .join(', ');
}
