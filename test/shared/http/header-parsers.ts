import type { IncomingMessage } from 'node:http';
import { parentPort } from 'node:worker_threads';
import { prefersFhir } from '../../../functions/files/headers/accept.ts';
import { conditionsOf, rangeApplies } from '../../../functions/files/headers/conditions.ts';
import { ifMatchOf } from '../../../functions/files/headers/if-match.ts';
import { rangesOf } from '../../../functions/files/headers/ranges.ts';
import { cursorOf, limitOf, positionIn } from '../../../functions/files/routes/paging.ts';
import { parseChecksum } from '../../../functions/upload/checksum.ts';
import { claimedDigests } from '../../../functions/upload/headers/digest-fields.ts';
import { idempotencyKeyOf } from '../../../functions/upload/headers/idempotency-key.ts';
import { mediaTypeOf } from '../../../functions/upload/media/media-type.ts';
import { announcedLength, parseUploadMetadata } from '../../../functions/upload/tus-headers.ts';
import { uploadHeadersOf } from '../../../functions/upload/upload-headers.ts';
import { parseFileId } from '../../../shared/files/file-id.ts';
import { parseResourceUri } from '../../../shared/files/references.ts';
import { authenticate } from '../../../shared/http/authenticate.ts';
import { fileNameOf, safeFileName } from '../../../shared/http/disposition.ts';
import { waitSecondsOf } from '../../../shared/http/prefer.ts';
import { Problem } from '../../../shared/http/problems.ts';
import { parsePrincipal } from '../../../shared/identity/principal.ts';
import { TokenVerifier } from '../../../shared/identity/tokens.ts';
import { sentTraceparent } from '../../../shared/runtime/trace.ts';

/**
 * A worker: gives every parser of headers the worst texts of some length, and says which it is at, so that who waits
 * knows which of them does not come back.
 */

const CURRENT = { etag: '"abc"', lastModified: new Date(0) };
const TERMS = {
  maxBytes: 1,
  maxScanBytes: 1,
  media: { allowed: [], denied: [], sniff: false },
  callbacks: { origins: [], loopback: false, owners: new Map() },
  filesUrl: undefined,
};
const tokens = new TokenVerifier(
  [
    {
      kind: 'maskinporten',
      issuer: 'https://maskinporten.no/',
      algorithms: ['RS256'],
      clockToleranceSeconds: 0,
      readScope: ['r'],
      writeScope: ['w'],
    },
  ],
  false,
);

function requestWith(name: string, value: string): IncomingMessage {
  // As much of a request as any of the parsers looks at.
  return { headers: { [name]: value }, headersDistinct: { [name]: [value] }, url: '/' } as never;
}

/** Each with what makes a header look like one that it reads. */
const PARSERS: Readonly<Record<string, readonly [prefix: string, parse: (text: string) => unknown]>> = {
  accept: ['application/fhir+json;q=', prefersFhir],
  authorization: ['Bearer ', (text) => authenticate(tokens, requestWith('authorization', text), 'read')],
  checksum: ['sha1 ', parseChecksum],
  'content-disposition': ['attachment; filename="', fileNameOf],
  'content-disposition, extended': ["attachment; filename*=UTF-8''", fileNameOf],
  'content-encoding': [
    '',
    (text) => uploadHeadersOf(requestWith('content-encoding', text), TERMS, new Date()),
  ],
  'content-type': ['text/plain; a="', mediaTypeOf],
  cursor: ['', (text) => positionIn(new URLSearchParams({ cursor: text }), parseFileId)],
  'cursor, decoded': ['', (text) => positionIn(new URLSearchParams({ cursor: cursorOf(text) }), parseFileId)],
  digest: ['sha-256=:', (text) => claimedDigests('Repr-Digest', text)],
  'file name': ['a', safeFileName],
  'idempotency-key': ['"', idempotencyKeyOf],
  'if-match': ['"', ifMatchOf],
  'if-match of bytes': ['"', (text) => conditionsOf({ 'if-match': text }, CURRENT)],
  'if-modified-since': ['Tue, 24 ', (text) => conditionsOf({ 'if-modified-since': text }, CURRENT)],
  'if-none-match': ['W/"', (text) => conditionsOf({ 'if-none-match': text }, CURRENT)],
  'if-range': ['"', (text) => rangeApplies(text, CURRENT)],
  limit: ['1', (text) => limitOf(new URLSearchParams({ limit: text }))],
  prefer: ['wait="', waitSecondsOf],
  principal: ['org:', parsePrincipal],
  range: ['bytes=0-', (text) => rangesOf(text, 1000)],
  reference: ['https://', parseResourceUri],
  traceparent: ['00-', (text) => sentTraceparent({ traceparent: text })],
  'upload-length': ['1', (text) => announcedLength(requestWith('upload-length', text))],
  'upload-metadata': ['a ', parseUploadMetadata],
};

const UNITS = [
  ...[
    '"',
    '\\"',
    '""',
    '"\\',
    '\\',
    ',',
    ', ',
    '",',
    '"a",',
    ';',
    '; ',
    '=',
    'a=',
    'a=b;',
    'a="b",',
    'a=:AAAA:,',
  ],
  ...[
    ' ',
    '\t',
    '\xa0',
    '\u2003',
    '%',
    '%41',
    '%e0%b8',
    "'",
    "''",
    '*',
    '/',
    '../',
    '\\\\',
    'W/',
    'W/"a",',
    '-',
    '0',
  ],
  ...[
    '0-1,',
    '-1,',
    'q=',
    'q=1;',
    ':',
    '(',
    '[',
    '{',
    '.',
    'e30.',
    '==',
    'a',
    '\xff',
    '\ud800',
    '\u0315\u0300',
  ],
  ...['identity ', 'wait=', 'respond-async, ', '"\\"",', 'Tue, 24 Nov ', '\r', '\n', '\0'],
];

for (const length of [4_000, 16 * 1024, 1024 * 1024]) {
  for (const [name, [prefix, parse]] of Object.entries(PARSERS)) {
    for (const unit of UNITS) {
      parentPort?.postMessage(`${name} of ${length} times ${JSON.stringify(unit)}`);
      const many = unit.repeat(Math.ceil(length / unit.length));
      for (const text of [many, prefix + many, `${prefix}${many}x`, `${many}"`]) await mayRefuse(parse, text);
    }
  }
}

async function mayRefuse(parse: (text: string) => unknown, text: string): Promise<void> {
  try {
    await parse(text);
  } catch (error) {
    if (!(error instanceof Problem) || error.status >= 500) throw error;
  }
}
