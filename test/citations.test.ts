import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = '{functions,shared,infra,client,bench,test,terraform}/**/*.{ts,mjs,tf,sh}';
/**
 * Citations in code: `docs/NAME.md`, `docs/adr/0001` or `docs/adr/0001-name.md`, with or without an anchor; not part
 * of an address.
 */
const CITED = /(?<![\w/.])docs\/(?:adr\/\d{4}[\w-]*(?:\.md)?|[\w-]+\.md)(?:#[\w-]+)?/g;
/** Links in Markdown: a link to a file of this repository, or to a heading. */
const LINKED = /\]\((?!\w+:)([^)\s]+)\)/g;

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const markdown = (pattern: string) =>
  globSync(pattern, { cwd: ROOT }).filter((file) => !file.includes('node_modules'));

/** Anchors as GitHub makes them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const anchors = [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/^#+ +(.*?)\s*$/gm)].map(
    ([, heading = '']) => {
      const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
      const anchor = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-');
      const times = seen.get(anchor) ?? 0;
      seen.set(anchor, times + 1);
      return times === 0 ? anchor : `${anchor}-${times}`;
    },
  );
  return new Set(anchors);
}

/** The fault of a citation; undefined where it leads somewhere. */
function fault(file: string, anchor: string | undefined): string | undefined {
  const isAdr = /^docs\/adr\/\d{4}$/.test(file);
  const [path = file] = isAdr ? globSync(`${file}-*.md`, { cwd: ROOT }) : [file];
  if (!existsSync(join(ROOT, path))) return 'is no file';
  if (anchor === undefined || !path.endsWith('.md')) return undefined;
  return anchorsOf(read(path)).has(anchor) ? undefined : 'is no heading';
}

function faults(citations: readonly (readonly [where: string, target: string])[]): string[] {
  return citations.flatMap(([where, target]) => {
    const [file = '', anchor] = target.split('#');
    const found = fault(file, anchor);
    return found ? [`${where}: ${target} ${found}`] : [];
  });
}

describe('citations in code and documentation', () => {
  it('is there, file and heading', () => {
    const inCode = globSync(SOURCES, { cwd: ROOT })
      .filter((file) => !file.includes('node_modules') && !import.meta.filename.endsWith(file))
      .flatMap((file) => [...read(file).matchAll(CITED)].map(([target]) => [file, target] as const));
    const inMarkdown = markdown(
      '{*.md,{docs,functions,shared,infra,client,terraform,bench}/**/*.md}',
    ).flatMap((file) =>
      [...read(file).matchAll(LINKED)].map(([, target = '']) => {
        const [path = '', anchor] = target.split('#');
        const whole = path === '' ? file : normalize(join(dirname(file), path));
        return [file, anchor === undefined ? whole : `${whole}#${anchor}`] as const;
      }),
    );
    assert.ok(inCode.length > 50 && inMarkdown.length > 100, `${inCode.length}, ${inMarkdown.length}`);
    assert.deepEqual(faults([...inCode, ...inMarkdown]), []);
  });

  it('is missed where it is not', () => {
    const cited = [
      'docs/none.md',
      'docs/adr/9999',
      'docs/platform-facts.md#nothing',
      'docs/platform-facts.md#ready',
    ];
    assert.equal(faults(cited.map((target) => ['here', target] as const)).length, 3);
  });
});
