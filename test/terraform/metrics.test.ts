import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODULE, ROOT } from './tools.ts';

interface Metric {
  readonly unit: string;
  readonly label: string;
  /** Message of the lines that it is made of; none of a metric of Cloud Run's own lines. */
  readonly message: string | undefined;
}

const source = (path: string): string => readFileSync(path, 'utf8');
const MODULE_TEXT = globSync('*.tf', { cwd: MODULE })
  .map((file) => source(join(MODULE, file)))
  .join('\n');

/** The metrics of metrics.tf: `name = { label = …, filter = … }` of a counter, `{ field = …, filter = … }` of a distribution. */
function made(): ReadonlyMap<string, Metric> {
  const lines = MODULE_TEXT.matchAll(/^ {4}(\w+) += \{ (label|field) = (null|"[\w.]+"), filter = (.*) \}$/gm);
  return new Map(
    [...lines].map(([, name = '', kind, label = '', filter = '']) => {
      const whole = filter.replace(/^local\.(\w+)$/, (_, local: string) => definitionOf(local));
      const [, message] = /jsonPayload\.message=\\"([^\\]+)\\"/.exec(whole) ?? [];
      const unit = name.endsWith('_milliseconds') ? 'ms' : name.startsWith('slots_') ? '1' : 's';
      // By its last part: `audit.status` is the label `status`.
      const last = label === 'null' ? '' : label.replaceAll('"', '').replace(/^.*\./, '');
      return [name, kind === 'label' ? { unit: '1', label: last, message } : { unit, label: '', message }];
    }),
  );
}

function definitionOf(local: string): string {
  return new RegExp(`^  ${local} += (.*)$`, 'm').exec(MODULE_TEXT)?.[1] ?? '';
}

/** The table in docs/operations.md. */
function documented(): ReadonlyMap<string, Metric> {
  const [, section = ''] = /^## Metrics\n(.*?)^## /ms.exec(source(join(ROOT, 'docs/operations.md'))) ?? [];
  const rows = section.matchAll(/^\| `(\w+)` \| (\w+) \| (?:`(\w+)`)? ?\| (?:`([^`]+)`)? ?\| [^|]+ \|$/gm);
  return new Map(
    [...rows].map(([, name = '', unit = '', label = '', message]) => [name, { unit, label, message }]),
  );
}

describe('metrics', () => {
  it('are those that docs/operations.md lists, with unit, label and message', () => {
    assert.ok(made().size > 15, 'metrics are not found');
    const sorted = (metrics: ReadonlyMap<string, Metric>) =>
      Object.fromEntries([...metrics].sort(([a], [b]) => a.localeCompare(b)));
    assert.deepEqual(sorted(documented()), sorted(made()));
  });

  it('have the unit that the table has', () => {
    const [, counter = '', distribution = ''] = MODULE_TEXT.split('resource "google_logging_metric"');
    assert.match(counter, /value_type += "INT64"/);
    assert.doesNotMatch(counter, /\bunit\b/);
    assert.match(
      distribution,
      /\bunit += endswith\(each\.key, "_milliseconds"\) \? "ms" : startswith\(each\.key, "slots_"\) \? "1" : "s"/,
    );
  });

  it('are made of messages that functions log', () => {
    const code = globSync('{functions,shared}/**/*.ts', { cwd: ROOT })
      .map((file) => source(join(ROOT, file)))
      .join('\n');
    const messages = [...made().values()].flatMap(({ message }) => message ?? []);
    assert.deepEqual(
      messages.filter((message) => !code.includes(`'${message}'`)),
      [],
    );
  });
});
