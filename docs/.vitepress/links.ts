import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { MarkdownEnv, MarkdownRenderer } from 'vitepress';

/** The repository, whose Markdown files link to each other by relative paths. */
export const ROOT = join(import.meta.dirname, '../..');

/** Where a Markdown file stands on the site: READMEs are the index of their folder, docs/ is the top. */
export function pagePath(file: string): string {
  return file.replace(/^docs\//, '').replace(/(^|\/)README\.md$/, '$1index.md');
}

/** The anchors that GitHub makes of headings, so that one link works on both. */
export function slugify(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

/**
 * Files that are not pages but are linked from one, such as sources and schemas: they go to the site as text. Filled
 * while the pages are rendered.
 */
const linkedSources = new Set<string>();

/** Rewrites the links of a Markdown file to paths of the site, and to copies of what is not a page. */
export function rewriteLinks(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('repository-links', ({ env, tokens }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null;
      // A scheme, a host, an anchor, or a path of the site
      if (!href || /^([a-z][a-z+.-]*:|\/|#)/i.test(href)) continue;
      token.attrSet('href', target(fileOf(env as MarkdownEnv), href));
    }
  });
}

/** `path` is where a page is rewritten to, `realPath` the file; the search index has the file as `path`. */
function fileOf({ path, realPath }: MarkdownEnv): string {
  return relative(ROOT, realPath ?? path);
}

function target(from: string, href: string): string {
  const [path = '', anchor] = href.split('#');
  const suffix = anchor === undefined ? '' : `#${anchor}`;
  const file = pageOf(join(dirname(from), decodeURI(path)));
  if (file.endsWith('.md')) return `/${pagePath(file).replace(/(index)?\.md$/, '')}${suffix}`;
  // VitePress leaves such a link alone, so that a file which is not there has to be noticed here.
  if (!existsSync(join(ROOT, file))) throw new Error(`${from} links to ${href}, which does not exist`);
  linkedSources.add(file);
  return `/source/${file}.txt`;
}

/** The page of a folder is its README, if it has one. */
function pageOf(path: string): string {
  const readme = join(path, 'README.md');
  return existsSync(join(ROOT, readme)) ? readme : path.replace(/\/$/, '');
}

/** Copies to the site what the pages link to. A folder becomes the list of its files. */
export function copyLinkedSources(site: string): void {
  for (const file of linkedSources) {
    const source = join(ROOT, file);
    const copy = join(site, 'source', `${file}.txt`);
    mkdirSync(dirname(copy), { recursive: true });
    if (statSync(source).isDirectory()) writeFileSync(copy, `${readdirSync(source).sort().join('\n')}\n`);
    else copyFileSync(source, copy);
  }
}
