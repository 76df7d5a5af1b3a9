import assert from 'node:assert/strict';
import { judgeAudit } from '../../tools/audit.ts';

const report = (vulnerabilities: Record<string, number>) => JSON.stringify({ metadata: { vulnerabilities } });

describe('npm run audit', () => {
  it('passes without vulnerabilities', () => {
    assert.deepEqual(judgeAudit(report({ low: 0, high: 0, total: 0 }), true), {
      code: 0,
      text: 'npm audit: no known vulnerability',
    });
  });

  it('passes, and names them, if all are moderate at most', () => {
    const { code, text } = judgeAudit(report({ low: 2, moderate: 1, high: 0, total: 3 }), true);
    assert.deepEqual([code, text], [0, 'npm audit: 2 low, 1 moderate']);
  });

  for (const level of ['high', 'critical']) {
    it(`fails on a vulnerability of level ${level}`, () => {
      const { code, text } = judgeAudit(report({ [level]: 1, total: 1 }), false);
      assert.deepEqual([code, text], [1, `npm audit: 1 ${level}`]);
    });
  }

  for (const output of ['', '{"message":"405 Method Not Allowed","error":{"summary":""}}', '<html>']) {
    it(`says loudly that nothing was checked, with the output ${output || '(empty)'}`, () => {
      assert.match(judgeAudit(output, false).text, /^SKIPPED: .*no package was checked/);
      assert.equal(judgeAudit(output, false).code, 0);
      assert.equal(judgeAudit(output, true).code, 1);
    });
  }
});
