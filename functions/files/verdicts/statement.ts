import { type Outcome, outcomeOf } from '../../../shared/files/handle.ts';
import type { Content, DecidedRecord } from '../../../shared/files/record.ts';
import { defined } from '../../../shared/runtime/defined.ts';

/** Media type of an in-toto statement: https://github.com/in-toto/attestation/blob/main/spec/v1/envelope.md */
export const STATEMENT_MEDIA_TYPE = 'application/vnd.in-toto+json';

/** The schema of the predicate, below `/schemas/`. */
export const PREDICATE_SCHEMA = 'verdict.v1.json';

/** A record of which something can be stated: it is decided, and the digest of its content is known. */
export type StatedRecord = DecidedRecord & { readonly content: Content };

/** Members of the predicate; functions/files/verdicts/verdict.v1.json explains them. Nothing says who the file is of. */
interface Predicate extends Outcome {
  readonly fileId: string;
  readonly verdict: DecidedRecord['state'];
  readonly size: number;
  readonly decidedAt: string;
  readonly releasedAt?: string;
  readonly issuedAt: string;
}

/** https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
interface Statement {
  readonly _type: 'https://in-toto.io/Statement/v1';
  readonly subject: readonly [{ readonly name: string; readonly digest: { readonly sha256: string } }];
  readonly predicateType: string;
  readonly predicate: Predicate;
}

/** @param filesUrl where clients reach the files function, without a trailing slash */
export function toStatement(record: StatedRecord, filesUrl: string, issuedAt: Date): Statement {
  const { id, content, scan } = record;
  const recalled = record.state === 'infected' ? record.recalled : undefined;
  // Neither the operator nor the reason: both may name a person.
  const released = record.state === 'clean' ? record.released : undefined;
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: id, digest: { sha256: content.sha256 } }],
    predicateType: `${filesUrl}/schemas/${PREDICATE_SCHEMA}`,
    predicate: {
      fileId: id,
      verdict: record.state,
      size: content.size,
      ...outcomeOf(record),
      decidedAt: ((released ?? recalled)?.at ?? scan.reusedAt ?? scan.scannedAt).toISOString(),
      ...defined({ releasedAt: released?.at.toISOString() }),
      issuedAt: issuedAt.toISOString(),
    },
  };
}
