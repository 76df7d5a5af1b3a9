import type { Case } from './case.ts';
import { archives } from './cases/archives.ts';
import { compound } from './cases/compound.ts';
import { documents } from './cases/documents.ts';
import { encodings } from './cases/encodings.ts';
import { magics } from './cases/magics.ts';
import { malformed } from './cases/malformed.ts';

export const CASES: readonly Case[] = [
  ...archives,
  ...compound,
  ...documents,
  ...encodings,
  ...magics,
  ...malformed,
];
