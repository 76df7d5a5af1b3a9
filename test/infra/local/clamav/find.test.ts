import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findClamd } from '../../../../infra/local/clamav/find.ts';

describe('findClamd', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'find-clamd-'));
    for (const name of ['first', 'second', 'usual', 'empty', 'unusable']) await mkdir(join(folder, name));
    for (const name of ['first', 'second', 'usual']) {
      await writeFile(join(folder, name, 'clamd'), '#!/bin/sh\n');
      await chmod(join(folder, name, 'clamd'), 0o755);
    }
    await writeFile(join(folder, 'unusable', 'clamd'), 'not executable', { mode: 0o600 });
  });
  after(() => rm(folder, { recursive: true }));

  const at = (name: string) => join(folder, name, 'clamd');
  const path = (...names: string[]) => names.map((name) => join(folder, name)).join(':');

  it('takes the one that CLAMD_PATH names', async () => {
    const env = { CLAMD_PATH: at('second'), PATH: path('first') };
    assert.equal(await findClamd(env), at('second'));
  });

  it('does not put up with a CLAMD_PATH that is wrong', async () => {
    const env = { CLAMD_PATH: at('empty'), PATH: path('first') };
    await assert.rejects(findClamd(env), /CLAMD_PATH is .*, which is not an executable file/);
  });

  it('takes the first on PATH that can be executed', async () => {
    assert.equal(await findClamd({ PATH: path('empty', 'unusable', 'second', 'first') }, []), at('second'));
  });

  it('looks where packages put it, which is not on the PATH of an ordinary user', async () => {
    assert.equal(await findClamd({ PATH: path('empty') }, [join(folder, 'usual')]), at('usual'));
    assert.equal(await findClamd({}, [join(folder, 'usual')]), at('usual'));
  });

  it('finds none where there is none', async () => {
    assert.equal(await findClamd({ PATH: path('empty') }, []), undefined);
  });
});
