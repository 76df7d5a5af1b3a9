import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { compileFilter } from '../../../infra/emulators/pubsub/src/core/filter.ts';
import { outsideCloudEvents, type Received, schemas } from '../../support/cloud-events.ts';

const DOCUMENT = readFileSync(new URL('../../../docs/events.md', import.meta.url), 'utf8');

describe('docs/events.md', () => {
  it('lists every type with its schema, and no other', () => {
    const listed = [
      ...DOCUMENT.matchAll(/^\| `([\w.]+)` \|.*\(\.\.\/shared\/events\/schemas\/([\w.]+)\.json\) \|$/gm),
    ].map(([, type, file]) => [type, file]);
    const names = [...schemas.keys()].map((id) => id.replace(/^\/schemas\/(.*)\.json$/, '$1'));
    assert.deepEqual(listed.sort(), names.map((name) => [name, name]).sort());
  });

  it('has the types that docs/callbacks.md lists, but those of a content', () => {
    const callbacks = readFileSync(new URL('../../../docs/callbacks.md', import.meta.url), 'utf8');
    const [, list = ''] =
      /is that of \[the event\]\(events\.md#events\): (.*?) of that file\./s.exec(callbacks) ?? [];
    const listed = [...list.matchAll(/`([\w.]+)`/g)].map(([, type]) => `${type}.v1`);
    const names = [...schemas.keys()].map((id) => id.replace(/^\/schemas\/(.*)\.json$/, '$1'));
    assert.deepEqual(listed.sort(), names.filter((name) => name !== 'verdict.changed.v1').sort());
  });

  it('shows a message as it is', () => {
    const [, json = ''] = /^```json\n(.*?)^```$/ms.exec(DOCUMENT) ?? [];
    const message = JSON.parse(json) as Received;
    assert.deepEqual(outsideCloudEvents(message), []);
  });

  it('has filters that Pub/Sub understands, and that name attributes which there are', () => {
    const filters = [...DOCUMENT.matchAll(/^\| [^|`]+ \| `([^`]*attributes[^`]*)` \|$/gm)].map(
      ([, filter = '']) => filter,
    );
    assert.equal(filters.length, 8);
    for (const filter of filters) {
      compileFilter(filter);
      for (const [, name = ''] of filter.matchAll(/attributes\."?([\w-]+)/g)) {
        assert.ok(
          ['verdict', 'owner', 'correlationId', 'eventType', 'sharedWith', 'ce-type'].includes(name),
          name,
        );
      }
    }
  });
});
