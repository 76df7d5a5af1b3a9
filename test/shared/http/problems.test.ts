import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { EXPLANATIONS } from '../../../functions/files/problem-explanations.ts';
import { PROBLEMS, Problem, type ProblemType, problemUri } from '../../../shared/http/problems.ts';

describe('problems', () => {
  it('are the rows of docs/errors.md (UPDATE_TABLES=1 writes them)', () => {
    const path = new URL('../../../docs/errors.md', import.meta.url);
    const page = readFileSync(path, 'utf8');
    const rows = (Object.keys(PROBLEMS) as ProblemType[]).map(
      (type) => `| \`${problemUri(type)}\` | ${PROBLEMS[type].status} | ${EXPLANATIONS[type]} |\n`,
    );
    const current = page.replace(/(?<=\|---\|---\|---\|\n)(?:\|.*\n)*/, () => rows.join(''));
    if (process.env['UPDATE_TABLES']) writeFileSync(path, current);
    else assert.equal(page, current);
  });

  it('are RFC 9457 documents', () => {
    const problem = new Problem('file-infected', { detail: 'why', members: { signature: 'Eicar' } });
    assert.deepEqual(problem.document('https://fileshare.example.org'), {
      type: 'https://fileshare.example.org/problems/file-infected',
      title: 'File contains malware',
      status: 410,
      detail: 'why',
      signature: 'Eicar',
    });
  });

  it('have a path as type where the address of the deployment is not known', () => {
    assert.equal(new Problem('not-found').document()['type'], '/problems/not-found');
  });

  it('keep the types that IANA has registered', () => {
    const registered = 'https://iana.org/assignments/http-problem-types#mismatching-upload-offset';
    const { type } = new Problem('mismatching-upload-offset').document('https://fileshare.example.org');
    assert.equal(type, registered);
  });
});
