import { createHash } from 'node:crypto';
import { FileshareIntegrityError } from './errors.ts';
import { openSigned, type VerdictKeys } from './node-signed.ts';
import type { VerdictStatement } from './verdict.ts';

export type { VerdictKeys } from './node-signed.ts';

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const PREDICATE_PATH = '/schemas/verdict.v1.json';

/**
 * Checks offline that a deployment signed this statement, and that it is about these bytes. Whether its verdict is `clean`, the
 * caller looks up in `predicate`.
 * @param statement text of an envelope of DSSE, or a JWS
 * @param keys of the deployment, from a source that is trusted
 * @throws {FileshareIntegrityError} where anything differs, and whatever reading `bytes` throws
 */
export async function verifyVerdict(
  statement: string,
  keys: VerdictKeys,
  bytes: AsyncIterable<Uint8Array>,
): Promise<VerdictStatement> {
  const opened = openStatement(statement, keys);
  const [subject] = opened.subject;
  const { size } = opened.predicate;
  const hash = createHash('sha256');
  let length = 0;
  for await (const piece of bytes) {
    hash.update(piece);
    length += piece.length;
  }
  const sha256 = hash.digest('hex');
  if (length !== size || sha256 !== subject.digest.sha256) {
    throw new FileshareIntegrityError(
      `The statement is about other bytes: ${size} with SHA-256 ${subject.digest.sha256}, not ${length} with ${sha256}`,
    );
  }
  return opened;
}

function openStatement(text: string, keys: VerdictKeys): VerdictStatement {
  const statement = openSigned<Partial<VerdictStatement>>(text, keys, PAYLOAD_TYPE);
  const { _type, subject, predicateType, predicate } = statement ?? {};
  const isVerdict =
    _type === STATEMENT_TYPE &&
    predicateType?.endsWith(PREDICATE_PATH) &&
    subject?.length === 1 &&
    subject[0].name === predicate?.fileId;
  if (!isVerdict)
    throw new FileshareIntegrityError('The signature is valid, but this is no statement about a verdict');
  return statement as VerdictStatement;
}
