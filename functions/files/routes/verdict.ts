import { isReadable } from '../../../shared/files/readable.ts';
import { type FileRecord, isDecided } from '../../../shared/files/record.ts';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { requireReadable } from '../../../shared/http/outcome.ts';
import { Problem, unavailable } from '../../../shared/http/problems.ts';
import { PUBLIC, sendJson, sendText } from '../../../shared/http/respond.ts';
import { ENVELOPE_MEDIA_TYPE, JOSE_MEDIA_TYPE, toEnvelope, toJws } from '../../../shared/signing/envelope.ts';
import { StorageError } from '../../../shared/storage/error.ts';
import { locate } from '../download.ts';
import type { Files } from '../files.ts';
import { findFile, ownerOrViewer } from '../find.ts';
import { prefers } from '../headers/accept.ts';
import type { Route } from '../router.ts';
import type { Verdicts } from '../verdicts/connect.ts';
import { STATEMENT_MEDIA_TYPE, type StatedRecord, toStatement } from '../verdicts/statement.ts';

/** Answers with a signed statement of what was decided on a file: docs/verdicts.md */
export function getVerdict(files: Files): Route {
  return async ({ request, response, signal }, id) => {
    const caller = await authenticate(files.tokens, request, 'read');
    const { record } = await findFile(files, caller, id, ownerOrViewer, signal);
    const { signer, filesUrl } = requireVerdicts(files);
    const stated = requireStated(record);
    // Malware may have been found in the content since: what nobody gets is not stated to be clean.
    if (isReadable(stated)) await locate(files, stated, signal);
    const payload = Buffer.from(JSON.stringify(toStatement(stated, filesUrl, files.now())));
    const headers = { vary: 'Accept' };
    if (prefers(request.headers.accept, JOSE_MEDIA_TYPE, ENVELOPE_MEDIA_TYPE)) {
      const jws = await signing(() => toJws(signer, STATEMENT_MEDIA_TYPE, payload, signal));
      sendText(response, 200, JOSE_MEDIA_TYPE, jws, headers);
    } else {
      const envelope = await signing(() => toEnvelope(signer, STATEMENT_MEDIA_TYPE, payload, signal));
      sendJson(response, 200, ENVELOPE_MEDIA_TYPE, envelope, headers);
    }
  };
}

/** The public keys that statements are verified with, for everybody. */
export function getVerdictKeys(files: Pick<Files, 'verdicts'>): Route {
  return async ({ response }) => {
    const { signer } = requireVerdicts(files);
    const keySet = await signing(() => signer.keySet());
    sendJson(response, 200, 'application/jwk-set+json', keySet, PUBLIC);
  };
}

/** @throws {Problem} 404 */
function requireVerdicts({ verdicts }: Pick<Files, 'verdicts'>): Verdicts {
  if (verdicts) return verdicts;
  throw new Problem('verdicts-not-signed', { detail: 'VERDICT_KEY is not set.' });
}

/** @throws {Problem} of a download, where nothing was decided, or the digest of what could not be scanned is not known */
function requireStated(record: FileRecord): StatedRecord {
  const { content } = record;
  return isDecided(record) && content ? { ...record, content } : requireReadable(record);
}

/** @throws {Problem} 503 where the key does not answer, 500 where it may not be used */
async function signing<T>(sign: () => Promise<T>): Promise<T> {
  try {
    return await sign();
  } catch (cause) {
    if (!(cause instanceof StorageError)) throw cause;
    if (cause.transient) throw unavailable('The signing key does not answer. Try again.', 5, cause);
    const detail = 'The signing key cannot be used. The log of the service says why.';
    throw new Problem('internal', { detail, cause });
  }
}
