import assert from 'node:assert/strict';
import fc from 'fast-check';
import { routeOf } from '../../../shared/http/route.ts';

describe('the route of a request in the name of its span', () => {
  for (const [path, route] of Object.entries({
    '/': '/',
    '/files': '/files',
    '/files/': '/files/{}',
    '/files/dul5o97iubncjdhgeo7fhvlgvqj64tsc9eun81iev8i/status': '/files/{}/status',
    '/files/a/viewers/org:1': '/files/{}/viewers/{}',
    '/files/a/references/https://fhir.example.no/b': '/files/{}/references/{}',
    '/uploads/resumable/a': '/uploads/resumable/{}',
    '/uploads/direct': '/uploads/direct',
    '/dead-letters': '/dead-letters',
  })) {
    it(`of ${path} is ${route}`, () => assert.equal(routeOf(path), route));
  }

  it('is unknown where the path is none of ours', () => {
    for (const path of ['', '/kari-nordmann', '//files', 'files']) assert.equal(routeOf(path), undefined);
  });

  it('has no part that a client chose', () => {
    fc.assert(
      fc.property(fc.webPath(), (path) => {
        assert.match(routeOf(`/files${path}`) ?? '', /^\/files[a-z/.{}-]*$/);
      }),
    );
  });
});
