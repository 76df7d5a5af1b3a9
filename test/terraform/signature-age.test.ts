import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODULE, ROOT } from './tools.ts';

const found = (path: string, pattern: RegExp): number =>
  Number(pattern.exec(readFileSync(path, 'utf8'))?.[1]);

/** ClamAV has published nothing new for six days at times: fewer would stop every file. */
const SILENCE_HOURS = 6 * 24;

describe('the age above which signatures decide nothing', () => {
  const code = found(join(ROOT, 'functions/scanner/engine.ts'), /SIGNATURE_MAX_AGE_HOURS: .*'(\d+)'/);
  const module = found(join(MODULE, 'variables.tf'), /max_age_hours += optional\(number, (\d+)\)/);

  it('is the same by default in the scanner and in the Terraform module', () => {
    assert.equal(code, module);
  });

  it('is above the longest that ClamAV has been silent', () => {
    assert.ok(module > SILENCE_HOURS, String(module));
  });
});
