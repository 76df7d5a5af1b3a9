import assert from 'node:assert/strict';
import { FileshareProblem, isNotFound } from '../../client/src/errors.ts';

const problem = (type: string) => new FileshareProblem({ type, title: 'x', status: 404 });

describe('the code of a problem', () => {
  for (const type of [
    'https://fileshare.example.org/problems/not-found',
    'http://127.0.0.1:8080/problems/not-found',
    'https://example.org/below/a/path/problems/not-found',
    '/problems/not-found',
  ]) {
    it(`is the last part of ${type}`, () => {
      assert.equal(problem(type).code, 'not-found');
      assert.equal(isNotFound(problem(type)), true);
    });
  }

  for (const type of [
    'about:blank',
    'https://iana.org/assignments/http-problem-types#mismatching-upload-offset',
    'https://example.org/not-found',
    'https://example.org/problems/',
    'https://example.org/?/problems/not-found',
    'urn:example:/problems/not-found',
    'problems/not-found',
    '/problems/not-found/more',
  ]) {
    it(`is absent of ${type}, which is none of the service's own`, () => {
      assert.equal(problem(type).code, undefined);
      assert.equal(isNotFound(problem(type)), false);
    });
  }
});
