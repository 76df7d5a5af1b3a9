import { CLAMAV_MAX_BYTES } from './clamd.ts';

/** Bytes by which a part that is cut off at MaxFileSize must exceed MaxScanSize; clamd cuts at a block of 8 KiB. */
const MARGIN_BYTES = 2 ** 20;

/** The sizes of `infra/clamav/clamd.conf`, which says how they belong together. In bytes. */
export interface Sizes {
  readonly maxStream: number;
  readonly maxScan: number;
  readonly maxMember: number;
  /** The most that one scan may write to the temporary directory. */
  readonly temporary: number;
}

/** The sizes to scan files of up to `maxBytes`, and archives that unpack to twice that, as far as ClamAV can. */
export function sizesFor(maxBytes: number): Sizes {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1)
    throw new RangeError(`not a size in bytes: ${maxBytes}`);
  const maxScan = Math.min(2 * maxBytes, CLAMAV_MAX_BYTES);
  const maxStream = Math.min(maxBytes, maxScan);
  const maxMember = maxScan + MARGIN_BYTES;
  return { maxStream, maxScan, maxMember, temporary: maxStream + maxScan + maxMember };
}
