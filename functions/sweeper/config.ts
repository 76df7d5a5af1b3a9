import * as v from 'valibot';
import { deploymentVariable } from '../../shared/deployment/connect.ts';
import {
  bucketName,
  commonVariables,
  deduplicationScope,
  flag,
  integer,
  nonEmpty,
  numbers,
  requiredFilesUrl,
} from '../../shared/runtime/config.ts';
import { keyVariables } from '../../shared/signing/connect.ts';
import { abandonedAfterSeconds, blobGraceSeconds, tombstoneDays } from './terms.ts';

const WEEK_SECONDS = 604_800;
/** Less than the hour after which Cloud Run ends a request. */
const budgetSeconds = integer(1, 3_000);

/** The settings of the sweeper, as docs/configuration.md describes them. */
export const sweeperVariables = {
  ...commonVariables,
  ...deploymentVariable,
  UNSCANNED_BUCKET: bucketName,
  QUARANTINE_BUCKET: v.optional(bucketName),
  EXPORT_BUCKET: v.optional(bucketName),
  FILES_URL: requiredFilesUrl,
  DEAD_LETTER_CALLER: nonEmpty,
  SCHEDULE_CALLER: nonEmpty,
  SCAN_EVENTS_TOPIC: nonEmpty,
  ORDERED_EVENTS: v.optional(flag, 'false'),
  FINALIZE_TOPIC: nonEmpty,
  DEDUPLICATE: deduplicationScope,
  ...keyVariables,
  // A verdict may wait for a second, the least between two writes to a name: a redrive must not come first each time.
  STUCK_AFTER_SECONDS: v.optional(integer(2, WEEK_SECONDS), '900'),
  ABANDONED_AFTER_SECONDS: abandonedAfterSeconds,
  MAX_REDRIVES: v.optional(integer(1, 1_000), '96'),
  REDRIVES_PER_SWEEP: v.optional(integer(1, 100_000), '1000'),
  SWEEP_BUDGET_SECONDS: v.optional(budgetSeconds, '240'),
  COLLECT_BUDGET_SECONDS: v.optional(budgetSeconds, '1500'),
  COLLECT_UNREFERENCED_AFTER_SECONDS: v.optional(integer(60, 520 * WEEK_SECONDS)),
  COLLECT_BLOB_GRACE_SECONDS: blobGraceSeconds,
  TOMBSTONE_DAYS: tombstoneDays,
  RESCAN_TOPIC: nonEmpty,
  RESCAN_AFTER_DAYS: v.optional(numbers(3_650), '1,7,30'),
  RESCAN_EVERY_DAYS: v.optional(integer(1, 3_650)),
  RESCAN_FILES_PER_DAY: v.optional(integer(0, 1_000_000_000), '100000'),
  RESCAN_BYTES_PER_DAY: v.optional(integer(0, Number.MAX_SAFE_INTEGER), '107374182400'),
  RESCAN_BUDGET_SECONDS: v.optional(budgetSeconds, '1500'),
  RELEASE_NEEDS_SECOND: v.optional(flag, 'false'),
  CLEAN_IN_QUARANTINE: v.optional(v.picklist(['report', 'release']), 'report'),
  HUNT_BUDGET_SECONDS: v.optional(budgetSeconds, '1500'),
  RESTORE_BUDGET_SECONDS: v.optional(budgetSeconds, '1500'),
};
