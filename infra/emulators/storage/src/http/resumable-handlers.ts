import { randomBytes } from 'node:crypto';
import { type Answer, empty, json } from '../answer.ts';
import { ApiError, invalid, notFound } from '../api-error.ts';
import { readRecord } from '../json-body.ts';
import { parseChunkRange, parseQueriedTotal } from '../state/content-range.ts';
import { ResumableUpload } from '../state/resumable-upload.ts';
import type { SessionStart } from '../state/state.ts';
import type { Store } from '../state/store.ts';
import type { StoredObject } from '../state/stored-object.ts';
import type { Call, Handler } from './call.ts';
import { admitDraft } from './draft-access.ts';
import { checkClaims, claimsOf, claimsOfHeader } from './expected-content.ts';
import { objectResource } from './resource.ts';
import { draftOf, storedContent } from './upload-handlers.ts';

type ResumableOperation = 'resumable.start' | 'resumable.chunk' | 'resumable.query' | 'resumable.cancel';

/** Resumable uploads. Source: Cloud Storage, "Perform resumable uploads". */
export function resumableHandlers(store: Store): Record<ResumableOperation, Handler> {
  const sessions = new ResumableSessions(store);
  return {
    'resumable.start': (call) => sessions.start(call),
    'resumable.chunk': (call) => sessions.chunk(call),
    'resumable.query': (call) => sessions.query(call),
    'resumable.cancel': (call) => sessions.cancel(call),
  };
}

class ResumableSessions {
  readonly #store: Store;
  /** Sessions with bytes in this run of the emulator; after a restart they are taken up from their files. */
  readonly #uploads = new Map<string, Promise<ResumableUpload>>();

  constructor(store: Store) {
    this.#store = store;
  }

  async start(call: Call): Promise<Answer> {
    const store = this.#store;
    const resource = await readRecord(call.body);
    const draft = draftOf(call, resource, one(call.headers['x-upload-content-type']));
    admitDraft(store, call.access, draft);
    const length = one(call.headers['x-upload-content-length']);
    if (length !== undefined && !/^\d{1,15}$/.test(length)) throw invalid('Invalid X-Upload-Content-Length');
    const id = randomBytes(24).toString('base64url');
    store.commit({
      sessionStarted: {
        id,
        ...draft,
        content: store.contents.newId(),
        expected: {
          ...claimsOf(resource),
          ...claimsOfHeader(call.headers),
          ...(length !== undefined && { size: Number(length) }),
        },
        ...(call.headers.origin !== undefined && { origin: call.headers.origin }),
        started: store.now(),
      },
    });
    const query = `uploadType=resumable&name=${encodeURIComponent(draft.name)}&upload_id=${id}`;
    const location = `${call.base}/upload/storage/v1/b/${encodeURIComponent(draft.bucket)}/o?${query}`;
    return empty(200, { location, 'x-guploader-uploadid': id });
  }

  async chunk(call: Call): Promise<Answer> {
    const { headers } = call;
    const range = parseChunkRange(headers['content-range'], headers['content-length']);
    return this.#withUpload(call, async (session, upload) => {
      if (range.total !== undefined) checkTotal(session, range.total);
      const complete = await upload.receive(range, call.body);
      return complete ? this.#finalize(call, session, upload) : incomplete(call, upload);
    });
  }

  async query(call: Call): Promise<Answer> {
    const total = parseQueriedTotal(call.headers['content-range']);
    const asked = this.#session(call);
    if (!('started' in asked)) return this.#completed(call, asked);
    const running = await this.#upload(asked);
    await running.settled();
    const session = this.#session(call);
    if (!('started' in session)) return this.#completed(call, session);
    // A running upload goes on: the question alone does not end it.
    if (total === undefined || total !== running.persisted) return incomplete(call, running);
    return this.#withUpload(call, async (open, upload) => {
      checkTotal(open, total);
      return total === upload.persisted ? this.#finalize(call, open, upload) : incomplete(call, upload);
    });
  }

  async cancel(call: Call): Promise<Answer> {
    const session = this.#session(call);
    if ('started' in session) this.#abandon(session);
    return empty(499);
  }

  async #withUpload(
    call: Call,
    work: (session: SessionStart, upload: ResumableUpload) => Promise<Answer>,
  ): Promise<Answer> {
    const session = this.#session(call);
    if (!('started' in session)) return this.#completed(call, session);
    const upload = await this.#upload(session);
    return upload.take(call.cut, async () => {
      // The request that was waited for may have completed the upload.
      const now = this.#session(call);
      return 'started' in now ? work(now, upload) : this.#completed(call, now);
    });
  }

  #finalize(call: Call, session: SessionStart, upload: ResumableUpload): Answer {
    // A refusal for the rate leaves the session as it is: the client asks again.
    this.#store.checkMutable(session);
    // The running digest ends here in each case.
    this.#uploads.delete(session.id);
    const content = storedContent(upload.content, upload.digest);
    try {
      checkClaims({ ...session.expected, ...claimsOfHeader(call.headers) }, content);
      return this.#completed(call, this.#store.finalize(session, content, session.id));
    } catch (error) {
      if (error instanceof ApiError) this.#abandon(session);
      throw error;
    }
  }

  #abandon({ id, bucket, name }: SessionStart): void {
    this.#uploads.delete(id);
    this.#store.commit({ sessionEnded: { state: 'cancelled', bucket, name }, id });
  }

  #completed(call: Call, object: StoredObject): Answer {
    return json(200, objectResource(object, this.#store.bucket(object.bucket).bucket, call.base));
  }

  /** @throws ApiError 404 for an unknown session, 410 for a cancelled one */
  #session(call: Call): SessionStart | StoredObject {
    const session = this.#store.state.sessions.get(call.route.session ?? '');
    if (session === undefined) throw notFound('Upload session not found.');
    if (session.state === 'cancelled') throw new ApiError(410, 'gone', 'The upload session was cancelled.');
    return session.state === 'open' ? session.start : session.object;
  }

  #upload(session: SessionStart): Promise<ResumableUpload> {
    const existing = this.#uploads.get(session.id);
    if (existing !== undefined) return existing;
    const upload = ResumableUpload.resume(this.#store.contents, session.content);
    this.#uploads.set(session.id, upload);
    upload.catch(() => this.#uploads.delete(session.id));
    return upload;
  }
}

function checkTotal({ expected }: SessionStart, total: number): void {
  if (expected.size === undefined || expected.size === total) return;
  throw invalid(`Content-Range has a total of ${total}, but ${expected.size} bytes were announced.`);
}

/** 308, without a Range while nothing is persisted; rclone asks for a 200 that says 308. */
function incomplete(call: Call, upload: ResumableUpload): Answer {
  const headers: Record<string, string> = {};
  if (upload.persisted > 0) headers['range'] = `bytes=0-${upload.persisted - 1}`;
  if (call.headers['x-guploader-no-308'] !== 'yes') return empty(308, headers);
  return empty(200, { ...headers, 'x-http-status-code-override': '308' });
}

const one = (header: string | string[] | undefined): string | undefined => [header ?? []].flat()[0];
