import * as v from 'valibot';
import { integer } from '../../shared/runtime/config.ts';

/** Settings that sweeper and auditor have to agree on. */
const YEAR_SECONDS = 52 * 604_800;

/** No request takes that long, its tries again included: what is older waits for nothing. */
export const abandonedAfterSeconds = v.optional(integer(7_200, YEAR_SECONDS), '86400');
/** The least is what shared/files/blobs.ts builds on: twice MARK_GOOD_FOR_MS. */
export const blobGraceSeconds = v.optional(integer(7_200, YEAR_SECONDS), '86400');
export const tombstoneDays = v.optional(integer(1, 3_650), '30');
