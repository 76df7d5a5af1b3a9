import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Command } from 'commander';
import { manualOf } from '../../client/src/cli/manual.ts';
import { createProgram } from '../../client/src/cli/program.ts';

describe('client: the manual page', () => {
  const program = createProgram({
    env: {},
    json: false,
    signal: new AbortController().signal,
    exit: () => undefined,
  });
  const page = manualOf(program);
  let folder: string;
  let path: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'fileshare-manual-'));
    path = join(folder, 'fileshare.1');
    writeFileSync(path, page);
  });
  after(() => rmSync(folder, { recursive: true }));

  function leaves(command: Command): readonly Command[] {
    return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
  }

  it('has every command, argument and option', () => {
    const commands = leaves(program);
    assert.ok(commands.length > 25, String(commands.length));
    for (const command of [program, ...commands]) {
      if (command !== program)
        assert.match(page, new RegExp(`^\\.SS "fileshare .*${command.name().replaceAll('-', '.*')}`, 'm'));
      for (const { long } of command.options)
        assert.ok(page.includes(`\\fB${String(long).replaceAll('-', '\\-')}\\fR`), String(long));
      for (const argument of command.registeredArguments)
        assert.ok(page.includes(`\\fI${argument.name()}\\fR`));
    }
  });

  it('escapes what roff would take for a command', () => {
    assert.doesNotMatch(page, /^'/m);
    assert.doesNotMatch(page, /^\.(?!(?:TH|SH|SS|TP|PP|B|nf|fi)\b)/m);
    assert.doesNotMatch(page, /\\(?![-e(f&])/, 'no other escapes');
  });

  it('is formatted by man without a warning', function () {
    const env = { ...process.env, LC_ALL: 'C.UTF-8', MANROFFSEQ: '', MANWIDTH: '80' };
    if (spawnSync('man', ['--version']).status !== 0) return this.skip();
    const args = ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', path];
    const { status, stdout, stderr } = spawnSync('man', args, { env, encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
    // Bold is a letter, a backspace and the letter again, or an escape sequence.
    const parts = stripVTControlCharacters(stdout).split('\b');
    const plain = parts.map((part, at) => (at < parts.length - 1 ? part.slice(0, -1) : part)).join('');
    assert.match(plain, /^FILESHARE\(1\)/m);
    assert.match(plain, /^ +fileshare upload \[options\] <file\.\.\.>$/m);
    assert.match(plain, /--parallel <count>\n +Files at a time; by default 4\.$/m);
  });

  it('is clean for mandoc', function () {
    const { status, stdout, error } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', path], {
      encoding: 'utf8',
    });
    if (error) return this.skip();
    const findings = stdout.split('\n').filter((line) => line && !line.includes('missing date'));
    assert.deepEqual(findings, [], `mandoc ended with ${status}`);
  });
});
