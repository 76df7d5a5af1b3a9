import { fileUrl } from '../../shared/files/file-url.ts';
import { framingOf } from '../../shared/framework/framing.ts';
import { authenticate } from '../../shared/http/authenticate.ts';
import { bodyOf } from '../../shared/http/body.ts';
import { requireReadable } from '../../shared/http/outcome.ts';
import { sendHandle } from '../../shared/http/respond.ts';
import type { Exchange } from '../../shared/http/service.ts';
import { settled } from '../../shared/http/settled.ts';
import type { Principal } from '../../shared/identity/principal.ts';
import type { TokenVerifier } from '../../shared/identity/tokens.ts';
import type { Shares } from '../../shared/runtime/shares.ts';
import { handleOf } from './admit.ts';
import { DigestCheck } from './digest-check.ts';
import { sniffed } from './media/sniff.ts';
import { type Offer, offerOf, type Terms } from './offer.ts';
import { openUpload } from './open.ts';
import { receive, type Upload } from './receive.ts';
import { type OnceReceiver, type Received, receiveOnce } from './receive-once.ts';

export interface Poster {
  readonly tokens: TokenVerifier;
  readonly terms: Terms;
  readonly receiver: OnceReceiver;
  /** Shares of each owner: bodies that are being read, and requests that wait for a verdict. */
  readonly uploads: Shares;
  readonly polls: Shares;
}

/**
 * `POST /files`: the body of a request becomes a file, and the answer its handle.
 * @throws {Problem}; whatever is refused for its head is refused before its body is asked for
 */
export async function postFile(poster: Poster, exchange: Exchange): Promise<void> {
  const { request, response, log, signal, audit } = exchange;
  const { principal: owner } = await authenticate(poster.tokens, request, 'write');
  const offer = offerOf(request, poster.terms);
  const { record: received, replayed } = await receiveOffer(poster, exchange, owner, offer);
  const { id, content } = received;
  audit.fileId = id;
  log.info({ fileId: id, owner, size: content?.size, replayed }, 'file received');

  // Set here, so that a problem carries them too: it may be about a file that there is.
  response.setHeader('location', fileUrl(poster.terms.filesUrl, id));
  if (replayed) response.setHeader('idempotency-replayed', 'true');
  // A caller with too many of them waiting is answered at once, which it has to expect anyway.
  using poll = offer.waitSeconds > 0 ? poster.polls.take(owner) : undefined;
  const waitSeconds = poll ? offer.waitSeconds : 0;
  const record = await settled(poster.receiver.records, received, waitSeconds, signal);
  const headers: Record<string, string> = poll ? { 'preference-applied': `wait=${waitSeconds}` } : {};
  if (record.state === 'pending')
    sendHandle(response, 202, handleOf(record, poster.terms), { ...headers, 'retry-after': '1' });
  else sendHandle(response, 201, handleOf(requireReadable(record), poster.terms), headers);
}

async function receiveOffer(
  { receiver, terms, uploads }: Poster,
  { request, response }: Exchange,
  owner: Principal,
  offer: Offer,
): Promise<Received> {
  using _ = openUpload(uploads, owner, response);
  const { contentType, fileName, digests, idempotencyKey: key } = offer;
  const check = new DigestCheck(digests);
  const body = bodyOf(request, response, terms.maxBytes);
  const upload: Upload = {
    owner,
    contentType,
    fileName,
    declaredBytes: framingOf(request).contentLength,
    bytes: check.through(sniffed(body, contentType, terms.media)),
    verify: ({ sha256 }) => check.verify(sha256),
  };
  if (key === undefined) return { record: await receive(receiver, upload), replayed: false };
  return await receiveOnce(receiver, { ...upload, key });
}
