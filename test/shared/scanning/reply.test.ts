import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseReply } from '../../../shared/scanning/reply.ts';
import { ScanFault } from '../../../shared/scanning/verdict.ts';

function faultOf(reply: string | Buffer): string {
  try {
    return `no fault but ${JSON.stringify(parseReply(reply))}`;
  } catch (error) {
    assert(error instanceof ScanFault);
    return error.code;
  }
}

describe('parseReply', () => {
  it('is clean on exactly one reply', () => {
    assert.deepEqual(parseReply('stream: OK\0'), { kind: 'clean' });
    assert.deepEqual(parseReply(Buffer.from('stream: OK\0')), { kind: 'clean' });
  });

  it('names the signature that was found', () => {
    for (const signature of [
      'Eicar-Test-Signature',
      'Win.Test.EICAR_HDB-1',
      'Eicar-Test-Signature.UNOFFICIAL',
      'Heuristics.Broken.Executable',
      'Heuristics.Zip.OverlappingFiles',
      'Heuristics.Limits.ExceededNot',
      'Heuristics.Unscannable',
      'Unscannable.Zip.LZMA.UNOFFICIAL',
      'Vír üs with spaces',
      'OK',
    ]) {
      assert.deepEqual(parseReply(`stream: ${signature} FOUND\0`), { kind: 'infected', signature });
    }
  });

  it('tells what was not scanned from what is infected', () => {
    for (const [detail, reason] of [
      ['Heuristics.Limits.Exceeded', 'limitExceeded'],
      ['Heuristics.Limits.Exceeded.MaxFileSize', 'limitExceeded'],
      ['Heuristics.Limits.Exceeded.MaxScanTime', 'limitExceeded'],
      ['Heuristics.Limits.Exceeded.EmailMIMEPartsPerMessage', 'limitExceeded'],
      ['Heuristics.XZ.DicSizeLimit', 'limitExceeded'],
      ['Heuristics.Unscannable.Zip.LZMA.UNOFFICIAL', 'unsupported'],
      ['Heuristics.Unscannable.Encrypted.Office.UNOFFICIAL', 'encrypted'],
      ['Heuristics.Encrypted.Zip', 'encrypted'],
      ['Heuristics.Encrypted.PDF', 'encrypted'],
    ] as const) {
      assert.deepEqual(parseReply(`stream: ${detail} FOUND\0`), { kind: 'unscannable', reason, detail });
    }
  });

  it('calls a stream past StreamMaxLength too large', () => {
    const reply = 'INSTREAM size limit exceeded. ERROR\0';
    assert.deepEqual(parseReply(reply), { kind: 'unscannable', reason: 'tooLarge' });
  });

  for (const [what, code, reply] of [
    ['no reply', 'connectionLost', ''],
    ['a stalled stream', 'timeout', 'COMMAND READ TIMED OUT\n'],
    ['a full disk under the stream', 'outOfTempSpace', 'Error writing to temporary file ERROR\0'],
    ['a full disk during the scan', 'outOfTempSpace', "stream: Can't write to file ERROR\0"],
    ['no temporary file', 'outOfTempSpace', "stream: Can't create temporary file ERROR\0"],
    ['no temporary directory', 'outOfTempSpace', "stream: Can't create temporary directory ERROR\0"],
    ['no memory', 'clamdError', "stream: Can't allocate memory ERROR\0"],
    ['a command that failed', 'clamdError', 'Error processing command. ERROR\0'],
    ['an error that contains OK', 'clamdError', 'TOKEN mismatch ERROR\0'],
    ['an error about a BROKEN zip', 'clamdError', 'stream: BROKEN zip ERROR\0'],
    ['half a clean reply', 'protocol', 'stream: OK'],
    ['a clean reply of another framing', 'protocol', 'stream: OK\n'],
    ['a clean reply of a session', 'protocol', '1: stream: OK\0'],
    ['two clean replies', 'protocol', 'stream: OK\0stream: OK\0'],
    ['a clean reply before a detection', 'protocol', 'stream: OK\0stream: X FOUND\0'],
    ['a detection before a clean reply', 'protocol', 'stream: X FOUND\0stream: OK\0'],
    ['two lines in one reply', 'protocol', 'stream: OK\nstream: X FOUND\0'],
    ['half a detection', 'protocol', 'stream: X FOUND'],
    ['a detection of nothing', 'protocol', 'stream:  FOUND\0'],
    ['an unknown command', 'protocol', 'UNKNOWN COMMAND\0'],
    ['an error in the second line', 'protocol', 'stream: OK\nbroken ERROR\0'],
    ['something behind an error', 'protocol', 'broken ERROR\0stream: OK'],
    ['an error that ends as one of a full disk', 'clamdError', "stream: Can't write to file. ERROR\0"],
    [
      'an error that begins as one of a full disk',
      'clamdError',
      'x: Error writing to temporary file ERROR\0',
    ],
    ['another protocol', 'protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['half a size limit', 'protocol', 'INSTREAM size limit exceeded. ERR'],
  ] as const) {
    it(`is a fault on ${what}`, () => assert.equal(faultOf(reply), code));
  }

  it('says in one line what clamd said', () => {
    const long = 'a'.repeat(121);
    for (const [reply, message] of [
      ['', 'clamd closed the connection without a reply'],
      ['COMMAND READ TIMED OUT\n', 'clamd waited too long for bytes'],
      ['two\nlines\0', String.raw`clamd's reply is not understood: "two\nlines\u0000"`],
      ['a'.repeat(120), `clamd's reply is not understood: "${'a'.repeat(120)}"`],
      [long, `clamd's reply is not understood: "${'a'.repeat(120)}…"`],
      [
        "stream: Can't write to file ERROR\0",
        "clamd could not write to its temporary directory: stream: Can't write to file",
      ],
      ['Broken. ERROR\0', 'clamd could not scan: Broken.'],
    ] as const) {
      assert.throws(() => parseReply(reply), { message });
    }
  });

  it('is never clean on any other text', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), nearlyClean());
    fc.assert(
      fc.property(text, (reply) => {
        fc.pre(reply !== 'stream: OK\0');
        assert.notEqual(verdictOrFault(reply), 'clean');
      }),
      { numRuns: 2_000 },
    );
  });

  it('is never clean on any other bytes', () => {
    const clean = Buffer.from('stream: OK\0');
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated(clean));
    fc.assert(
      fc.property(bytes, (reply) => {
        fc.pre(Buffer.compare(reply, clean) !== 0);
        assert.notEqual(verdictOrFault(Buffer.from(reply)), 'clean');
      }),
      { numRuns: 2_000 },
    );
  });

  it('finds every signature name without control characters', () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(name, (signature) => {
        fc.pre(!/\p{Cc}|\p{Cs}/u.test(signature) && signature.trim() === signature);
        assert.match(verdictOrFault(`stream: ${signature} FOUND\0`), /^(infected|unscannable)$/);
      }),
    );
  });
});

function verdictOrFault(reply: string | Buffer): string {
  try {
    return parseReply(reply).kind;
  } catch (error) {
    assert(error instanceof ScanFault);
    return 'fault';
  }
}

function nearlyClean(): fc.Arbitrary<string> {
  const part = fc.constantFrom('stream: ', 'OK', 'FOUND', 'ERROR', ' ', '\0', '\n', 'stream: OK\0', 'X');
  return fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''));
}

/** One byte of it changed, or its end cut off. */
function mutated(bytes: Buffer): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)).map(([at, value]) => {
    const copy = Uint8Array.from(bytes);
    copy[at] = value;
    return copy;
  });
  return fc.oneof(
    change,
    fc.nat(bytes.length - 1).map((end) => Uint8Array.from(bytes.subarray(0, end))),
  );
}
