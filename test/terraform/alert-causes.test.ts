import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROBLEMS } from '../../shared/http/problems.ts';
import { MODULE, ROOT } from './tools.ts';

/** Messages of severity ERROR and above: `client` where requests or files of a client alone can cause them. */
const CAUSES: Readonly<Record<string, 'client' | 'service'>> = {
  'audit report not signed': 'service',
  'buckets belong to another deployment': 'service',
  'dead letter of a damaged record': 'service',
  'deployment state cannot be read': 'service',
  'engine unfit, files wait': 'service',
  'engine unfit, re-scans wait': 'service',
  'export is damaged': 'service',
  // A wrong digest that a client claims is a warning.
  'file failed': 'service',
  'object not processed': 'service',
  're-scan not completed': 'service',
  'record left out of a listing': 'service',
  'released file has no bytes': 'service',
  'rule broken': 'service',
  'scan not completed': 'service',
  'stored bytes do not match their digest': 'service',
  'tracing not available': 'service',
  'uncaught error': 'service',
  // The title of a problem of 500 and above, such as for two requests of one upload that keep changing it.
  'problem.message': 'client',
};

const files = (pattern: string, cwd: string): string =>
  globSync(pattern, { cwd })
    .map((file) => readFileSync(join(cwd, file), 'utf8'))
    .join('\n');
const module = files('*.tf', MODULE);
const filters = [...module.matchAll(/filter += "((?:[^"\\]|\\.)*)"/g)].map(([, filter = '']) =>
  filter.replaceAll('\\"', '"'),
);

describe('lines of severity ERROR', () => {
  it('are known, with their causes', () => {
    const source = files('{functions,shared}/**/*.ts', ROOT);
    const calls = source.matchAll(/[lL]og\.(?:error|fatal)\([^;]*?(?:'([^']+)'|(problem\.message)),?\s*\)/g);
    const messages = new Set([...calls].map(([, message, dynamic]) => message ?? dynamic));
    assert.deepEqual([...messages].sort(), Object.keys(CAUSES).sort());
  });

  it('raise no alert where a client can cause them', () => {
    const titles = Object.values(PROBLEMS).flatMap(({ status, title }) => (status >= 500 ? [title] : []));
    const client = Object.keys(CAUSES).filter((message) => CAUSES[message] === 'client');
    for (const message of [...titles, ...client])
      assert.deepEqual(
        filters.filter((filter) => filter.includes(message)),
        [],
        message,
      );
  });

  it('raise no alert by their severity alone, which a line of any cause has', () => {
    const bySeverity = filters.filter((filter) => filter.includes('severity>='));
    assert.ok(bySeverity.length >= 3, String(bySeverity.length));
    // The job of the mirror and the sidecar's signatures meet no request of a client.
    const named = /jsonPayload\.(message="|component="signatures")|\$\{local\.mirror_log\}/;
    assert.deepEqual(
      bySeverity.filter((filter) => !named.test(filter)),
      [],
    );
  });
});
