import type { Case } from './case.ts';
import { archives } from './cases/archives.ts';
import { documents } from './cases/documents.ts';
import { magics } from './cases/magics.ts';
import { malformed } from './cases/malformed.ts';

export const CASES: readonly Case[] = [...archives, ...documents, ...magics, ...malformed];
