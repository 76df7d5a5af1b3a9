import assert from 'node:assert/strict';
import { type CommandResult, ensureClamd } from '../../../../infra/local/clamav/install.ts';

const DONE: CommandResult = { code: 0, output: '' };

/** A machine on which commands do what the test says, or else succeed. */
function machine(options: {
  clamd?: boolean;
  installs?: boolean;
  isRoot?: boolean;
  results?: Record<string, CommandResult>;
}) {
  const { isRoot = true, results = {} } = options;
  let present = options.clamd ?? false;
  const commands: string[] = [];
  const lines: string[] = [];
  return {
    commands,
    lines,
    isRoot,
    find: async () => (present ? '/usr/sbin/clamd' : undefined),
    log: (line: string) => void lines.push(line),
    run: async (command: readonly string[]) => {
      const text = command.join(' ');
      commands.push(text);
      const [, result = DONE] = Object.entries(results).find(([part]) => text.includes(part)) ?? [];
      if (text.includes('install') && result.code === 0) present = options.installs ?? true;
      return result;
    },
  };
}

const INSTALL = 'apt-get install -y --no-install-recommends clamav-daemon clamav-testfiles';

describe('ensureClamd', () => {
  it('leaves a machine alone that has clamd', async () => {
    const here = machine({ clamd: true });
    assert.equal(await ensureClamd(here), '/usr/sbin/clamd');
    assert.deepEqual([...here.commands, ...here.lines], []);
  });

  it('installs it as root, in one line of output', async () => {
    const here = machine({});
    assert.equal(await ensureClamd(here), '/usr/sbin/clamd');
    assert.deepEqual(here.commands.slice(1), [
      'env DEBIAN_FRONTEND=noninteractive apt-get update',
      `env DEBIAN_FRONTEND=noninteractive ${INSTALL}`,
    ]);
    assert.deepEqual(here.lines, ['Installing clamav-daemon…']);
  });

  it('installs it by a sudo that asks for nothing', async () => {
    const here = machine({ isRoot: false });
    await ensureClamd(here);
    assert.equal(here.commands.at(-1), `sudo -n env DEBIAN_FRONTEND=noninteractive ${INSTALL}`);
  });

  it('says what to install where sudo would ask for a password', async () => {
    const here = machine({ isRoot: false, results: { 'sudo -n true': { code: 1, output: '' } } });
    await assert.rejects(
      ensureClamd(here),
      /^Error: clamd is missing, and sudo asks for a password: install .*$/,
    );
    assert.deepEqual(here.lines, []);
  });

  it('says what to install where there is no apt-get', async () => {
    const here = machine({ results: { 'apt-get --version': { code: null, output: 'ENOENT' } } });
    await assert.rejects(ensureClamd(here), /^Error: clamd is missing: install ClamAV's clamd .*CLAMD_PATH$/);
  });

  it('shows the command that failed, and the end of its output', async () => {
    const output = Array.from({ length: 50 }, (_, i) => `line ${i}`).join('\n');
    const here = machine({ results: { 'apt-get install': { code: 100, output } } });
    await assert.rejects(ensureClamd(here), (error: Error) => {
      assert.match(
        error.message,
        /`env DEBIAN_FRONTEND=noninteractive apt-get install .*` failed \(100\):\nline 45\n/,
      );
      assert.equal(error.message.includes('line 44'), false);
      return true;
    });
  });

  it('does not trust an installation that installs nothing', async () => {
    await assert.rejects(ensureClamd(machine({ installs: false })), /missing even after its installation/);
  });

  it('learns of a command that cannot be started', async () => {
    const { find, log } = machine({});
    const path = process.env['PATH'];
    process.env['PATH'] = '/nowhere';
    try {
      await assert.rejects(ensureClamd({ find, log, isRoot: true }), /^Error: clamd is missing: install/);
    } finally {
      process.env['PATH'] = path;
    }
  });
});
