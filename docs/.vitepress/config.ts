import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type DefaultTheme, defineConfig } from 'vitepress';
import { copyLinkedSources, pagePath, ROOT, rewriteLinks, slugify } from './links.ts';

/** A page of the sidebar, by the path of its file. */
function page(text: string, file: string): DefaultTheme.SidebarItem {
  return { text, link: `/${pagePath(file).replace(/(index)?\.md$/, '')}` };
}

/** All files of a pattern, under their headings. */
function pages(pattern: string): DefaultTheme.SidebarItem[] {
  return globSync(pattern, { cwd: ROOT, exclude: ['**/node_modules/**'] })
    .sort()
    .map((file) => {
      const [, title = file] = /^# (.*)$/m.exec(readFileSync(join(ROOT, file), 'utf8')) ?? [];
      const folder = file.endsWith('README.md') ? dirname(file) : title;
      return page(file.startsWith('docs/') ? title : folder, file);
    });
}

const sidebar: DefaultTheme.SidebarItem[] = [
  { text: 'Tutorial', items: [page('Getting started', 'docs/getting-started.md')] },
  {
    text: 'How-to guides',
    items: [
      page("Consumer's guide", 'docs/consumers-guide.md'),
      page('Upload files of any size', 'docs/uploads.md'),
      page('Subscribe to events', 'docs/subscribe.md'),
      page('Deploy to Google Cloud', 'docs/deploy.md'),
      page('Host the page', 'docs/page.md'),
      page('Operate', 'docs/operations.md'),
      page('Recover', 'docs/recovery.md'),
      page('Erase and export', 'docs/erasure.md'),
      { text: 'Runbooks', collapsed: true, items: pages('docs/runbooks/*.md') },
      page('Follow one file', 'docs/traces.md'),
      page('Keep signatures fresh', 'docs/signatures.md'),
      page('Test', 'docs/testing.md'),
      page('Contribute', 'CONTRIBUTING.md'),
    ],
  },
  {
    text: 'Reference',
    items: [
      { text: 'HTTP API (OpenAPI)', link: '/openapi.html', target: '_self' },
      page('API summary', 'docs/api.md'),
      page('Problems', 'docs/errors.md'),
      page('Events', 'docs/events.md'),
      page('FHIR', 'docs/fhir.md'),
      page('Signed verdicts', 'docs/verdicts.md'),
      page('Client and command line', 'client/README.md'),
      page('Configuration', 'docs/configuration.md'),
      page('Identity and access', 'docs/identity.md'),
      page('Terraform module', 'terraform/README.md'),
      page('Who may do what', 'docs/topology.md'),
      page('Contract with Google Cloud', 'docs/contract.md'),
      page('Emulators', 'docs/emulators.md'),
      page('Benchmark', 'bench/RESULTS.md'),
      page('Changelog', 'CHANGELOG.md'),
    ],
  },
  {
    text: 'Explanation',
    items: [
      page('Architecture', 'docs/architecture.md'),
      page('The life of a file', 'docs/life-of-a-file.md'),
      page('Security', 'SECURITY.md'),
      page('Performance', 'docs/performance.md'),
      page('Facts of the platform', 'docs/platform-facts.md'),
      {
        text: 'Decisions',
        collapsed: true,
        items: [page('By topic', 'docs/adr/README.md'), ...pages('docs/adr/[0-9]*.md')],
      },
      { text: 'Folders', collapsed: true, items: pages('{functions,shared,infra,test}/**/README.md') },
    ],
  },
];

/** Redoc fetches its logo from its own host, and has no option against it. */
function withoutLogo(path: string): void {
  const html = readFileSync(path, 'utf8');
  const nothing = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>";
  writeFileSync(path, html.replaceAll(/https:\/\/cdn\.redoc\.ly\/redoc\/logo-[\w-]+\.svg/g, nothing));
}

/** The documentation as a site: `npm run docs` builds it. Pages stay where they are, in docs/ and beside the code. */
export default defineConfig({
  title: 'HOPS Fileshare',
  description: 'A file share that scans every file for malware before anyone can download it',
  srcDir: '..',
  // The README is for the repository's front page; docs/index.md is the site's.
  srcExclude: ['README.md'],
  outDir: '../.site/dist',
  cacheDir: '../.site/cache',
  rewrites: (file) => pagePath(file),
  cleanUrls: false,
  lastUpdated: false,
  markdown: {
    anchor: { slugify },
    config(markdown) {
      rewriteLinks(markdown);
      const { fence } = markdown.renderer.rules;
      markdown.renderer.rules.fence = (tokens, index, ...rest) => {
        const { info, content } = tokens[index] ?? {};
        if (info?.trim() === 'mermaid') return `<Diagram source="${encodeURIComponent(content ?? '')}" />`;
        return fence?.(tokens, index, ...rest) ?? '';
      };
    },
  },
  vite: {
    publicDir: join(ROOT, '.site/public'),
    // Mermaid is large, and loaded only where there is a diagram.
    build: { chunkSizeWarningLimit: 4000 },
  },
  themeConfig: {
    sidebar,
    outline: [2, 3],
    search: { provider: 'local' },
    nav: [{ text: 'HTTP API', link: '/openapi.html', target: '_self' }],
  },
  buildEnd({ outDir }) {
    copyLinkedSources(outDir);
    withoutLogo(join(outDir, 'openapi.html'));
  },
});
