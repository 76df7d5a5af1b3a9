import assert from 'node:assert/strict';
import { parse } from 'content-disposition';
import fc from 'fast-check';
import { mediaTypeOf } from '../../../functions/upload/media/media-type.ts';
import { dispositionOf, fileNameOf } from '../../../shared/http/disposition.ts';
import { waitSecondsOf } from '../../../shared/http/prefer.ts';

describe('file names', () => {
  for (const [header, name] of [
    [undefined, undefined],
    ['inline', undefined],
    ['attachment; filename="scan.pdf"', 'scan.pdf'],
    ["attachment; filename*=UTF-8''r%C3%B8ntgen%20%E6%97%A5.pdf", 'røntgen 日.pdf'],
    ["attachment; filename=x.pdf; filename*=UTF-8''y.pdf", 'y.pdf'],
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ['attachment; filename="C:\\\\temp\\\\a.doc"', 'a.doc'],
    ['attachment; filename=".."', undefined],
    ["attachment; filename*=UTF-8''a%0Ab%00c", 'abc'],
    ["attachment; filename*=UTF-8''exe%E2%80%AEfdp.exe", 'exefdp.exe'],
    [`attachment; filename="${'x'.repeat(600)}"`, 'invalid'],
    [Buffer.from('attachment; filename="røntgen 日.pdf"').toString('latin1'), 'røntgen 日.pdf'],
    ['attachment; filename="r\xf8ntgen.pdf"', 'røntgen.pdf'],
    ["attachment; filename*=UTF-8''%D8%9Cabc", 'abc'],
    ["attachment; filename*=UTF-8''a%E2%80%A8b%E2%80%A9.txt", 'ab.txt'],
    ["attachment; filename*=UTF-8''%ZZ", undefined],
    [';;;', undefined],
  ] as const) {
    it(`of ${header?.slice(0, 60)} is ${name}`, () => {
      assert.equal(fileNameOf(header), name);
    });
  }

  it('are never a path and hold no control character, whatever the header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const name = fileNameOf(`attachment; filename*=UTF-8''${encodeURIComponent(text.toWellFormed())}`);
        assert.ok(name === undefined || !/[/\\\p{Cc}]/u.test(name));
      }),
    );
  });

  it('survive being sent again, as an attachment', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
        const name = fileNameOf(`attachment; filename*=UTF-8''${encodeURIComponent(text)}`);
        const sent = dispositionOf(name);
        assert.match(sent, /^attachment/);
        assert.doesNotMatch(sent, /[^\x20-\x7e]/);
        assert.equal(parse(sent).parameters['filename'], name);
      }),
    );
  });
});

describe('media types', () => {
  for (const [header, type] of [
    [undefined, 'application/octet-stream'],
    ['', 'application/octet-stream'],
    ['text/plain', 'text/plain'],
    ['Application/FHIR+JSON; charset=utf-8', 'application/fhir+json; charset=utf-8'],
    ['nonsense', undefined],
    ['text/plain\r\nset-cookie: a=b', undefined],
    ['text/<script>', undefined],
    [`text/${'x'.repeat(300)}`, undefined],
    ...['*/*', 'text/*', '*/plain', 'text/p*', '*', '%/~', "a'/b", '-/-', '.a/b', 'text/plain/x'].map(
      (header) => [header, undefined] as const,
    ),
    ['text/plain, text/html', undefined],
    ['multipart/mixed; boundary="a b"', 'multipart/mixed; boundary="a b"'],
    ['text/plain; charset=utf-8; charset=utf-7', 'text/plain; charset=utf-8'],
    ['text/plain;;; charset', 'text/plain'],
    ['text/plain; =x', undefined],
    ['text/plain; a*b=x', undefined],
    ['text/plain; charset=', undefined],
    ['text/plain; charset="\xff"', undefined],
    ['text/plain; charset="a\tb"', undefined],
    ['text/plain; __proto__=x', undefined],
    ['image/svg+xml', 'image/svg+xml'],
    ['application/vnd.ms-excel.sheet.macroEnabled.12', 'application/vnd.ms-excel.sheet.macroenabled.12'],
  ] as const) {
    it(`of ${JSON.stringify(header)?.slice(0, 50)} is ${type}`, () => {
      assert.equal(mediaTypeOf(header), type);
    });
  }
});

describe('the preference to wait', () => {
  for (const [header, seconds] of [
    [undefined, 0],
    ['wait=5', 5],
    ['Wait = 5', 5],
    ['wait="5"', 5],
    ['respond-async, wait=5', 5],
    ['wait=5; anything', 5],
    ['wait=5, wait=7', 5],
    ['wait=600', 60],
    ['wait=99999999999999999999', 60],
    ['wait=-1', 0],
    ['wait=1.5', 0],
    ['wait', 0],
    ['foo; wait=5', 0],
    ['foo="a, wait=5"', 0],
    ['await=5', 0],
    [['respond-async', 'wait=5'], 5],
  ] as const) {
    it(`${JSON.stringify(header)} is ${seconds} s`, () => {
      assert.equal(waitSecondsOf(typeof header === 'object' ? [...header] : header), seconds);
    });
  }
});
