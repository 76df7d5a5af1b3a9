import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { fileOfForm } from '../../../../functions/upload/form/form-file.ts';
import { Problem, type ProblemType } from '../../../../shared/http/problems.ts';
import { detach } from '../../../../shared/runtime/memory.ts';

const BOUNDARY = 'x-y';
const HEAD =
  'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n';

/** Sends a body in pieces that are empty once the next is asked for, as the body of a request is. */
async function* pieces(body: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += size) {
    const piece = Uint8Array.from(body.subarray(at, at + size));
    yield piece;
    detach(piece);
  }
}

async function read(body: Buffer, { size = 7, boundary = BOUNDARY, maxBytes = 1e9 } = {}) {
  const { bytes, ...described } = await fileOfForm(pieces(body, size), boundary, maxBytes);
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(Buffer.from(chunk));
  return { ...described, content: Buffer.concat(chunks) };
}

const form = (...parts: string[]) =>
  Buffer.from(`${parts.map((part) => `--${BOUNDARY}\r\n${part}\r\n`).join('')}--${BOUNDARY}--\r\n`, 'latin1');

async function refused(body: Buffer, type: ProblemType, detail: RegExp, size = 7): Promise<void> {
  await assert.rejects(
    read(body, { size }),
    (problem) =>
      problem instanceof Problem && problem.type === type && detail.test(problem.extras.detail ?? ''),
    detail.source,
  );
}

describe('the file of a form', () => {
  it('is what FormData wrote, wherever its pieces end', async () => {
    const content = Buffer.concat([Buffer.from('\r\n--\r\n'), randomBytes(300), Buffer.from('\r\n-')]);
    const written = new FormData();
    written.append('file', new Blob([content], { type: 'application/pdf' }), 'røntgen 日本.pdf');
    const sent = new Response(written);
    const [, boundary = ''] = /boundary=(.*)$/.exec(sent.headers.get('content-type') ?? '') ?? [];
    const body = Buffer.from(await sent.arrayBuffer());
    for (let size = 1; size <= body.length; size++) {
      const file = await read(body, { size, boundary });
      assert.deepEqual(file, { contentType: 'application/pdf', fileName: 'røntgen 日本.pdf', content });
    }
  });

  it('is any bytes that do not hold the boundary', async () => {
    const part = fc.constantFrom('\r', '\n', '-', '--', 'x', '-y', 'x-', '\0', 'é', '\r\n--x-');
    const content = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(content, fc.integer({ min: 1, max: 50 }), async (text, size) => {
        fc.pre(!`${text}\r\n`.includes(`\r\n--${BOUNDARY}`));
        const file = await read(form(HEAD + text), { size });
        assert.equal(file.content.toString('latin1'), text);
      }),
      { numRuns: 1_000 },
    );
  });

  it('may be empty, stand behind a preamble and before an epilogue, and need no type', async () => {
    const body = Buffer.concat([
      Buffer.from('preamble\r\n'),
      form("CONTENT-DISPOSITION: Form-Data; filename*=UTF-8''%E6%97%A5; name=f\r\n\r\n"),
      Buffer.from('epilogue\r\n--x-y\r\n'),
    ]);
    const file = await read(body);
    assert.deepEqual(file, {
      contentType: 'application/octet-stream',
      fileName: '日',
      content: Buffer.alloc(0),
    });
  });

  it('has a name without a path, and its type with parameters', async () => {
    const head = 'Content-Disposition: form-data; name=f; filename="C:\\\\dir\\\\a \\"b\\".txt"';
    const file = await read(form(`${head}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nx`));
    assert.equal(file.fileName, 'a "b".txt');
    assert.equal(file.contentType, 'text/plain; charset=utf-8');
  });

  it('is alone in it', async () => {
    const file = `${HEAD}one`;
    const field = 'Content-Disposition: form-data; name="note"\r\n\r\nhello';
    for (const size of [1, 7, 1_000]) {
      await refused(form(file, file), 'form-invalid', /another part after the file/, size);
      await refused(form(file, field), 'form-invalid', /another part after the file/, size);
      await refused(form(field, file), 'form-invalid', /no file name/, size);
      await refused(form(), 'form-invalid', /has no file/, size);
      await refused(form(HEAD.replace('a.txt', '')), 'form-invalid', /no file name/, size);
    }
  });

  it('is refused where the form is cut at any byte before its end', async () => {
    const whole = form(`${HEAD}content`);
    // The line end behind the last boundary is none of it.
    for (let length = 0; length < whole.length - 2; length++) {
      await assert.rejects(
        read(whole.subarray(0, length)),
        (problem: Problem) => problem.type === 'form-invalid',
        `${length} bytes`,
      );
    }
    assert.equal((await read(whole.subarray(0, -2))).content.toString(), 'content');
  });

  it('is refused where the boundary is another, or does not end its line', async () => {
    await refused(
      Buffer.from(form(`${HEAD}x`).toString().replaceAll(BOUNDARY, 'other')),
      'form-invalid',
      /does not occur/,
    );
    await refused(Buffer.from(`--${BOUNDARY}z\r\n${HEAD}x`), 'form-invalid', /does not end its line/);
    await refused(Buffer.alloc(200_000, 0x20), 'form-invalid', /does not occur/, 1_000);
  });

  it('is refused for a head that is unclear', async () => {
    const disposition = 'Content-Disposition: form-data; name=f; filename=a';
    await refused(form(`${disposition}\r\n${disposition}\r\n\r\nx`), 'form-invalid', /cannot be read/);
    await refused(form(`${disposition}\r\nno colon\r\n\r\nx`), 'form-invalid', /cannot be read/);
    await refused(form(`${disposition}\r\nX: ${'x'.repeat(20_000)}\r\n\r\nx`), 'form-invalid', /too long/);
    await refused(
      form('Content-Disposition: attachment; filename=a\r\n\r\nx'),
      'form-invalid',
      /no file name/,
    );
    const encoded = `${disposition}\r\nContent-Transfer-Encoding: base64\r\n\r\nx`;
    await refused(form(encoded), 'form-invalid', /Content-Transfer-Encoding/);
    await refused(
      form(`${disposition}\r\nContent-Type: text/*\r\n\r\nx`),
      'invalid-request',
      /not a media type/,
    );
    await refused(form(`${disposition}${'n'.repeat(600)}\r\n\r\nx`), 'invalid-request', /too long/);
  });

  it('may have as many bytes as a file may have, whatever the form around it has', async () => {
    const body = form(`${HEAD}12345678`);
    assert.equal((await read(body, { maxBytes: 8 })).content.length, 8);
    await assert.rejects(read(body, { maxBytes: 7 }), (problem: Problem) => problem.type === 'too-large');
  });
});
