import { ApiError, invalid } from '../api-error.ts';
import type { StoredObject } from './stored-object.ts';

/** Source: Cloud Storage, "Request preconditions". A generation of 0 means "no live object". */
export interface Preconditions {
  readonly generationMatch?: number;
  readonly generationNotMatch?: number;
  readonly metagenerationMatch?: number;
  readonly metagenerationNotMatch?: number;
}

type Versions = Pick<StoredObject, 'generation' | 'metageneration'>;

/** Reads `ifGenerationMatch` and its kin, or `ifSourceGenerationMatch` ... @throws ApiError 400 on a non-number */
export function parsePreconditions(query: URLSearchParams, side: 'if' | 'ifSource' = 'if'): Preconditions {
  const read = (name: string): number | undefined => parseVersion(`${side}${name}`, query.get(side + name));
  const generationMatch = read('GenerationMatch');
  const generationNotMatch = read('GenerationNotMatch');
  const metagenerationMatch = read('MetagenerationMatch');
  const metagenerationNotMatch = read('MetagenerationNotMatch');
  return {
    ...(generationMatch !== undefined && { generationMatch }),
    ...(generationNotMatch !== undefined && { generationNotMatch }),
    ...(metagenerationMatch !== undefined && { metagenerationMatch }),
    ...(metagenerationNotMatch !== undefined && { metagenerationNotMatch }),
  };
}

/** A generation or metageneration, written as decimal digits. @throws ApiError 400 */
export function parseVersion(name: string, text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^\d{1,16}$/.test(text)) throw invalid(`Invalid value for: ${name}`);
  return Number(text);
}

/** Source: the error bodies that users of Cloud Storage publish, such as in fluent/fluent-plugin-gcs#25. */
export const conditionNotMet = (): ApiError =>
  new ApiError(
    412,
    'conditionNotMet',
    'At least one of the pre-conditions you specified did not hold.',
    {},
    { locationType: 'header', location: 'If-Match' },
  );

/**
 * @param live the live version, if there is one
 * @throws ApiError 412 `conditionNotMet`; on a read, 304 where a NotMatch condition fails
 */
export function checkPreconditions(
  conditions: Preconditions,
  live: Versions | undefined,
  kind: 'read' | 'write',
): void {
  const generation = live?.generation ?? 0;
  const { generationMatch, generationNotMatch, metagenerationMatch, metagenerationNotMatch } = conditions;
  if (
    (generationMatch !== undefined && generationMatch !== generation) ||
    (metagenerationMatch !== undefined && metagenerationMatch !== live?.metageneration)
  ) {
    throw conditionNotMet();
  }
  if (
    (generationNotMatch !== undefined && generationNotMatch === generation) ||
    (metagenerationNotMatch !== undefined && metagenerationNotMatch === live?.metageneration)
  ) {
    throw kind === 'read' ? new ApiError(304, 'notModified', 'Not Modified') : conditionNotMet();
  }
}
