import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import {
  type UploadHeaders,
  type UploadLimits,
  uploadHeadersOf,
} from '../../../functions/upload/upload-headers.ts';
import { dispositionOf } from '../../../shared/http/disposition.ts';
import { Problem } from '../../../shared/http/problems.ts';

const TERMS: UploadLimits = {
  maxBytes: 100,
  maxScanBytes: undefined,
  media: { allowed: [], denied: [], sniff: false },
  callbacks: { origins: [], loopback: false, owners: new Map() },
  filesUrl: undefined,
};

const NOW = new Date('2026-11-24T04:00:00Z');

function offer(headers: Record<string, string>): UploadHeaders {
  // As much of a request as is looked at.
  return uploadHeadersOf({ headers } as unknown as IncomingMessage, TERMS, NOW);
}

describe('the head of an upload', () => {
  for (const encoding of ['identity', 'Identity', ' identity ', '']) {
    it(`may say Content-Encoding: "${encoding}"`, () => void offer({ 'content-encoding': encoding }));
  }
  for (const encoding of ['gzip', 'br, identity', 'identity, gzip', 'aes128gcm', 'nonsense', ',']) {
    it(`may not say Content-Encoding: ${encoding}`, () => {
      assert.throws(
        () => offer({ 'content-encoding': encoding }),
        (problem: Problem) =>
          problem.type === 'unsupported-encoding' &&
          problem.extras.headers?.['accept-encoding'] === 'identity',
      );
    });
  }

  for (const type of [
    'multipart/form-data',
    'multipart/form-data; boundary="x "',
    `Multipart/Form-Data; boundary=${'x'.repeat(71)}`,
  ]) {
    it(`may not describe a form without a boundary: ${type}`, () => {
      assert.throws(
        () => offer({ 'content-type': type }),
        (problem: Problem) => problem.type === 'form-invalid' && problem.status === 400,
      );
    });
  }

  it('may describe a form, whose digests are those of the file and of the body', () => {
    const digest = `sha-256=:${Buffer.alloc(32).toString('base64')}:`;
    const { boundary, digests, contentDigests } = offer({
      'content-type': 'Multipart/Form-Data; boundary="a b"',
      'repr-digest': digest,
    });
    assert.equal(boundary, 'a b');
    assert.deepEqual([digests.length, contentDigests.length], [1, 0]);
  });

  for (const complete of ['', '?1, ?0', '1', '0', '?2', 'true']) {
    it(`may not leave open whether it is a part: Upload-Complete: "${complete}"`, () => {
      assert.throws(
        () => offer({ 'upload-complete': complete }),
        (problem: Problem) => problem.type === 'invalid-request',
      );
    });
  }

  it('may say that it is complete, or a part', () => {
    const heads: Record<string, string>[] = [
      { 'upload-complete': '?1' },
      { 'upload-complete': '?0;a=1' },
      {},
    ];
    assert.deepEqual(
      heads.map((head) => offer(head).complete),
      [true, false, undefined],
    );
  });

  it('has the type of the file and not of a part', () => {
    const type = { 'content-type': 'application/partial-upload' };
    assert.equal(offer({ ...type, 'upload-complete': '?0' }).contentType, 'application/octet-stream');
    assert.equal(offer(type).contentType, 'application/partial-upload');
  });

  it('may describe other multipart types, which are files', () => {
    assert.equal(
      offer({ 'content-type': 'multipart/mixed; boundary=x' }).contentType,
      'multipart/mixed; boundary=x',
    );
  });

  it('may claim digests of both kinds', () => {
    const digest = `sha-256=:${Buffer.alloc(32).toString('base64')}:`;
    const { digests, contentDigests } = offer({ 'repr-digest': digest, 'content-digest': digest });
    assert.deepEqual([digests.length, contentDigests.length], [1, 1]);
  });

  it('is read or refused with a 4xx, whatever it is, and what is kept of it can be sent again', () => {
    const latin1 = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    });
    const pieces = fc.constantFrom(
      ...[
        'attachment',
        ';',
        ' ',
        'filename',
        'filename*',
        '=',
        '"',
        '\\',
        "UTF-8''",
        '%E6%97',
        '%0d%0a',
        '../',
        'ø',
      ],
      ...[
        'text',
        '/',
        'plain',
        'charset=',
        'wait=',
        '9'.repeat(30),
        ',',
        ':',
        'sha-256',
        'identity',
        '\r\n',
        '\0',
      ],
    );
    const value = fc.oneof(
      latin1,
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
    );
    const orGood = (good: string) => fc.oneof(fc.constant(good), value);
    const headers = fc.record(
      {
        'content-type': orGood('text/plain; charset=utf-8'),
        'content-disposition': value,
        'content-encoding': orGood('identity'),
        prefer: value,
        'repr-digest': orGood(`sha-512=:${Buffer.alloc(64).toString('base64')}:`),
        'content-digest': orGood('md5=:AAAA:'),
        'idempotency-key': orGood('"a key"'),
      },
      { requiredKeys: [] },
    );
    let read = 0;
    fc.assert(
      fc.property(headers, (head) => {
        try {
          const { contentType, fileName, waitSeconds } = offer(head);
          read += 1;
          assert.match(contentType, /^[\x20-\x7e]{1,400}$/);
          assert.match(dispositionOf(fileName), /^attachment[\x20-\x7e]*$/);
          assert.ok(waitSeconds >= 0 && waitSeconds <= 60);
        } catch (error) {
          assert.ok(error instanceof Problem && error.status >= 400 && error.status < 500, String(error));
          for (const header of Object.values(error.extras.headers ?? {}))
            assert.match(header, /^[\x20-\x7e]*$/);
        }
      }),
      { numRuns: 10_000 },
    );
    assert.ok(read > 100, `only ${read} were read`);
  });
});
