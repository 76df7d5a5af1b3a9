import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { fileNameIn } from '../../client/src/file-name.ts';
import { Folder, run } from './fixture.ts';

const MAIN = join(import.meta.dirname, '../../client/src/cli/main.ts');
const HELLO = 'sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:';

/** Each with the name that it comes to, and the one that a download is saved under where that is another. */
const CASES: readonly (readonly [header: string, name: string | undefined, saved?: string])[] = [
  ['attachment', undefined, 'own id'],
  ['attachment; filename=a.pdf', 'a.pdf'],
  ['attachment; filename="a b.pdf"', 'a b.pdf'],
  // Node's server sends it in UTF-8, and fetch takes it for ISO 8859-1, as it takes every header.
  ['attachment; filename="r\xf8ntgen.pdf"', 'røntgen.pdf', 'rÃ¸ntgen.pdf'],
  ["attachment; filename*=UTF-8''r%C3%B8ntgen%20%E6%97%A5.pdf", 'røntgen 日.pdf'],
  ["attachment; filename=x.pdf; filename*=utf-8'en'y.pdf", 'y.pdf'],
  ["attachment; filename*=UTF-8''y.pdf; filename=x.pdf", 'y.pdf'],
  ["attachment; filename*=iso-8859-1''%e6.pdf", 'æ.pdf'],
  // Of RFC 8187 this is nothing: neither an error nor a name.
  ["attachment; filename*=UTF-8''%", undefined, 'own id'],
  ["attachment; filename*=UTF-8''%ff%fe", undefined, 'own id'],
  ["attachment; filename*=UTF-8''%zz; filename=plain.pdf", 'plain.pdf'],
  ["attachment; filename*=UTF-7''+AC8-x", undefined, 'own id'],
  ['attachment; filename*=UTF-8', undefined, 'own id'],
  ['attachment; filename*="', undefined, 'own id'],
  ['attachment; filename="no end', undefined, 'own id'],
  ['attachment; filename="\\', undefined, 'own id'],
  // Not the parameter that it ends like, nor one inside a string.
  ['attachment; xfilename=evil.sh', undefined, 'own id'],
  ['attachment; x="; filename=evil.sh"; filename=good.pdf', 'good.pdf'],
  ['attachment; filename="a.pdf"; filename="b.pdf"', 'a.pdf'],
  ["attachment; filename*=UTF-8''a.pdf; filename*=UTF-8''b.pdf", 'a.pdf'],
  ['attachment; __proto__=x; constructor=y', undefined, 'own id'],
  ['attachment; filename="../../up.txt"', 'up.txt'],
  ['attachment; filename="/etc/passwd"', 'passwd'],
  ['attachment; filename="..\\\\..\\\\win.ini"', 'win.ini'],
  ["attachment; filename*=UTF-8''..%2f..%2fup.txt", 'up.txt'],
  ["attachment; filename*=UTF-8''..%5c..%5cup.txt", 'up.txt'],
  ["attachment; filename*=UTF-8''a%2f..", undefined, 'own id'],
  ['attachment; filename=".."', undefined, 'own id'],
  ['attachment; filename="/"', undefined, 'own id'],
  ["attachment; filename*=UTF-8''a%00b%0d%0ac%1b%5b2J.txt", 'abc[2J.txt'],
  ["attachment; filename*=UTF-8''exe%E2%80%AEfdp.exe", 'exefdp.exe'],
  ['attachment; filename=".bashrc"', '.bashrc', 'bashrc'],
  ["attachment; filename*=UTF-8''.%E2%80%8B./x%2f.ssh", '.ssh', 'ssh'],
  // A folder and a link to a folder that are there already.
  ['attachment; filename=folder', 'folder', ''],
  ['attachment; filename=link', 'link', ''],
  [`attachment; filename="${'x'.repeat(5_000)}"`, undefined, 'own id'],
  ['', undefined, 'own id'],
];

describe('the name of a download', () => {
  for (const [header, name] of CASES) {
    it(`in ${header.slice(0, 70) || 'an empty header'} is ${name}`, () => {
      assert.equal(fileNameIn(header), name);
    });
  }

  it('is no path, whatever the header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.string(), (text, encoded) => {
        for (const header of [
          text,
          `attachment; filename=${text}`,
          `attachment; filename="${text}"`,
          `attachment; filename*=UTF-8''${encodeURIComponent(encoded)}`,
        ]) {
          const name = fileNameIn(header);
          assert.ok(name === undefined || !/[/\\\p{Cc}]|^\.{0,2}$/u.test(name), JSON.stringify(header));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  describe('at the command line', () => {
    const folder = new Folder();
    const server = createServer((request, response) => {
      const [header] = CASES[Number(request.url?.split('/').at(-1)?.slice(1)) - 100] ?? [''];
      response.writeHead(200, {
        'content-disposition': header,
        'content-length': 5,
        'repr-digest': HELLO,
      });
      response.end('hello');
    });
    before(() => new Promise<void>((done) => server.listen(0, '127.0.0.1', done)));
    after(() => server.close());

    it('leads to no other folder, and replaces nothing', async () => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const hostile = CASES.filter(([header]) => /up\.txt|passwd|bashrc|ssh|%00|=folder|=link/.test(header));
      assert.ok(hostile.length >= 8);
      await Promise.all(
        hostile.map(async (hostileCase) => {
          const [header, plain, saved = plain] = hostileCase;
          const id = `f${CASES.indexOf(hostileCase) + 100}`;
          const [outside, inside] = [folder.path(id), folder.path(id, 'in', 'side')];
          await mkdir(join(inside, 'folder'), { recursive: true });
          await mkdir(join(outside, 'elsewhere'));
          await symlink(join(outside, 'elsewhere'), join(inside, 'link'));
          await writeFile(join(outside, 'up.txt'), 'mine');
          const before = await readdir(outside, { recursive: true });

          const { code, stderr } = await run(process.execPath, [MAIN, 'download', id], {
            cwd: inside,
            env: { FILESHARE_URL: url, FILESHARE_TOKEN: 'x', XDG_STATE_HOME: folder.path('state') },
          });
          const after = await readdir(outside, { recursive: true });
          const name = saved === 'own id' ? id : saved;
          const written = after.filter((path) => !before.includes(path));
          assert.deepEqual(written, name ? [join('in/side', name)] : [], `${header}: ${stderr}`);
          assert.equal(code, name ? 0 : 2, stderr);
          assert.equal(await readFile(join(outside, 'up.txt'), 'utf8'), 'mine');
        }),
      );
    });
  });
});
