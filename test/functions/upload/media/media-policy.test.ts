import assert from 'node:assert/strict';
import fc from 'fast-check';
import { supportedMimeTypes } from 'file-type';
import * as v from 'valibot';
import { areCompatible } from '../../../../functions/upload/media/media-families.ts';
import {
  type MediaPolicy,
  mediaRanges,
  requireAllowed,
} from '../../../../functions/upload/media/media-policy.ts';
import { sniffed } from '../../../../functions/upload/media/sniff.ts';
import { encrypted, zip } from '../../../../infra/local/samples/zip.ts';
import { Problem } from '../../../../shared/http/problems.ts';
import { collect, piecesOf } from '../../../shared/storage/streams.ts';

function policy(allowed: string, denied = '', sniff = true): MediaPolicy {
  return { allowed: v.parse(mediaRanges, allowed), denied: v.parse(mediaRanges, denied), sniff };
}

describe('media ranges', () => {
  it('are read from a variable', () => {
    assert.deepEqual(v.parse(mediaRanges, ' Image/*, application/PDF,,*/* '), [
      'image/*',
      'application/pdf',
      '*/*',
    ]);
    assert.deepEqual(v.parse(mediaRanges, ''), []);
  });
  for (const text of ['image', '*/png', 'image/p*', 'text/plain;a=b', '/', 'image/png image/gif']) {
    it(`${text} is refused`, () => assert.ok(!v.safeParse(mediaRanges, text).success));
  }
});

describe('a media type policy', () => {
  for (const [allowed, denied, type, passes] of [
    ['', '', 'a/b', true],
    ['image/*', '', 'image/png', true],
    ['image/*', '', 'IMAGE/PNG; a=b', true],
    ['image/*', '', 'text/plain', false],
    ['image/*', '', 'imagex/png', false],
    ['image/*', 'image/svg+xml', 'image/svg+xml', false],
    ['', 'image/svg+xml', 'image/svg+xml; charset=utf-8', false],
    ['', 'image/*', 'text/plain', true],
    ['application/pdf', '*/*', 'application/pdf', false],
    ['text/plain', '', 'text/plain2', false],
  ] as const) {
    it(`with allowed "${allowed}" and denied "${denied}" ${passes ? 'takes' : 'refuses'} ${type}`, () => {
      const check = () => requireAllowed(policy(allowed, denied), type);
      if (passes) check();
      else assert.throws(check, { type: 'media-type-not-allowed' });
    });
  }

  it('says in Accept what it takes', () => {
    assert.throws(
      () => requireAllowed(policy('image/*,text/plain'), 'a/b'),
      (problem: Problem) => problem.extras.headers?.['accept'] === 'image/*, text/plain',
    );
  });
});

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex');
const PDF = Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1');
const EXE = Buffer.concat([Buffer.from('MZ\x90\x00\x03\x00\x00\x00', 'latin1'), Buffer.alloc(100)]);
const ZIP = Buffer.from(zip([encrypted('note.txt', Buffer.from('x'), 'secret')]));
const CFB = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600)]);

const MP3 = Buffer.concat([Buffer.from('fffb9044', 'hex'), Buffer.alloc(500)]);
const ID3 = Buffer.from('49443304000000000000', 'hex');

describe('a declared type', () => {
  const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
  for (const [declared, what, bytes, outcome] of [
    ['image/png', 'a PNG', PNG, 'passes'],
    ['image/jpeg', 'a PNG', PNG, 'media-type-mismatch'],
    ['application/pdf; version=1.7', 'a PDF', PDF, 'passes'],
    ['application/pdf', 'a PNG', PNG, 'media-type-mismatch'],
    ['application/octet-stream', 'a PNG', PNG, 'passes'],
    ['application/octet-stream', 'a program', EXE, 'media-type-not-allowed'],
    ['image/png', 'a program', EXE, 'media-type-not-allowed'],
    ['text/plain', 'a PNG', PNG, 'media-type-mismatch'],
    ['text/plain', 'text that begins like a BMP', Buffer.from('BMI 23.4, and so on\n'.repeat(10)), 'passes'],
    ['application/fhir+json', 'JSON', Buffer.from('{"resourceType":"Patient"}'), 'passes'],
    ['image/png', 'text', Buffer.from('hello'), 'passes'],
    ['image/png', 'nothing', Buffer.alloc(0), 'passes'],
    ['text/xml', 'XML', Buffer.from('<?xml version="1.0"?><a/>'), 'passes'],
    ['image/svg+xml', 'XML', Buffer.from('<?xml version="1.0"?><svg/>'), 'passes'],
    [DOCX, 'a zip', ZIP, 'passes'],
    ['application/vnd.oasis.opendocument.text', 'a zip', ZIP, 'passes'],
    ['application/epub+zip', 'a zip', ZIP, 'passes'],
    ['image/png', 'a zip', ZIP, 'media-type-mismatch'],
    ['application/msword', 'an OLE file', CFB, 'passes'],
    ['application/pdf', 'an OLE file', CFB, 'media-type-mismatch'],
    ['application/pkcs7-mime', 'what may be a frame of MP3', MP3, 'passes'],
    ['image/png', 'an MP3 with a tag', Buffer.concat([ID3, MP3]), 'media-type-mismatch'],
  ] as const) {
    it(`${declared} for ${what}: ${outcome}`, async () => {
      const rules = policy('', 'application/x-msdownload');
      const passing = collect(sniffed(piecesOf(bytes), declared, rules));
      if (outcome === 'passes') assert.ok((await passing).equals(bytes));
      else await assert.rejects(passing, { type: outcome });
    });
  }

  it('is not looked at where the policy does not want it', async () => {
    const rules = policy('', 'application/x-msdownload', false);
    assert.ok((await collect(sniffed(piecesOf(EXE), 'image/png', rules))).equals(EXE));
  });

  it('is refused as soon as enough has been seen, not with the last byte', async () => {
    async function* endless() {
      yield PNG;
      for (;;) yield Buffer.alloc(1000);
    }
    await assert.rejects(collect(sniffed(endless(), 'image/gif', policy(''))), {
      type: 'media-type-mismatch',
    });
  });

  it('never makes anything else than these problems, whatever the bytes, which pass unchanged', async () => {
    const magic = fc.constantFrom(
      PNG,
      PDF,
      EXE,
      ZIP,
      CFB,
      Buffer.from('ID3'),
      Buffer.from('RIFF'),
      Buffer.from('PK'),
    );
    const type = fc.constantFrom('image/png', 'text/plain', 'application/octet-stream', DOCX);
    const bytes = fc.tuple(magic, fc.uint8Array({ maxLength: 6000 }), fc.boolean());
    await fc.assert(
      fc.asyncProperty(bytes, type, async ([head, tail, whole], declared) => {
        const content = Buffer.concat(whole ? [head, tail] : [tail]);
        try {
          const passed = await collect(
            sniffed(piecesOf(content), declared, policy('', 'application/x-msdownload')),
          );
          assert.ok(passed.equals(content));
        } catch (error) {
          assert.ok(error instanceof Problem && error.status === 415, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with itself, whatever it is', () => {
    for (const type of supportedMimeTypes) assert.ok(areCompatible(type, type), type);
  });

  for (const [declared, found] of [
    ['image/jpg', 'image/jpeg'],
    ['audio/x-wav', 'audio/wav'],
    ['video/x-msvideo', 'video/vnd.avi'],
    ['application/zip', DOCX],
    ['application/x-zip-compressed', 'application/zip'],
    ['image/x-canon-cr2', 'image/tiff'],
  ] as const) {
    it(`${declared} may be ${found}, and the other way round`, () => {
      assert.ok(areCompatible(declared, found));
      assert.ok(areCompatible(found, declared));
    });
  }
});
