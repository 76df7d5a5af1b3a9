import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { PROBLEMS, Problem, type ProblemType, problemUri } from '../../../shared/http/problems.ts';

describe('problems', () => {
  it('are the rows of docs/errors.md, with their statuses', () => {
    const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `([^`]+)` \| (\d+) \| \S/gm)].map(([, type, status]) => [
      type,
      Number(status),
    ]);
    const table = Object.entries(PROBLEMS).map(([type, { status }]) => [
      problemUri(type as ProblemType),
      status,
    ]);
    assert.deepEqual(rows, table);
  });

  it('are RFC 9457 documents', () => {
    const problem = new Problem('file-infected', { detail: 'why', members: { signature: 'Eicar' } });
    assert.deepEqual(problem.document(), {
      type: 'urn:hops-fileshare:problem:file-infected',
      title: 'The file is malware and is not handed out',
      status: 410,
      detail: 'why',
      signature: 'Eicar',
    });
  });
});
