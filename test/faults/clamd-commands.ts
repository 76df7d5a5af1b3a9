import { EICAR } from '../../shared/scanning/canary.ts';

/** Whether a connection is meant, by its first bytes; undefined where they are too few to tell. */
export type Recognise = (first: Buffer) => boolean | undefined;

const INSTREAM = Buffer.from('zINSTREAM\0');
const HEADER_BYTES = 4;
/** The harmless one and the other: what readiness is asked with, and no file of these tests is as long. */
const CANARY_BYTES = [20, EICAR.length];

export const VERSION: Recognise = (first) => first.toString('latin1').startsWith('zVERSION');

/** The scan of a file. */
export const SCAN: Recognise = (first) => {
  const length = firstChunk(first);
  return typeof length === 'number' ? !CANARY_BYTES.includes(length) : length;
};

/** The scan by which the engine is found fit. */
export const CANARY: Recognise = (first) => {
  const length = firstChunk(first);
  return typeof length === 'number' ? CANARY_BYTES.includes(length) : length;
};

/** The length of an INSTREAM's first chunk; false where it is another command. */
function firstChunk(first: Buffer): number | false | undefined {
  const command = first.subarray(0, INSTREAM.length);
  if (!INSTREAM.subarray(0, command.length).equals(command)) return false;
  if (first.length < INSTREAM.length + HEADER_BYTES) return undefined;
  return first.readUInt32BE(INSTREAM.length);
}
