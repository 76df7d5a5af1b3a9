import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pageDocument } from './document.ts';
import { asset } from './files.ts';
import { originsOf, type PageConfig } from './page-config.ts';
import { pagePolicy } from './policy.ts';
import { pageScript } from './script.ts';

/**
 * Writes the page, for one deployment, as static files into a folder; what is there already stays, so that a page
 * that is open finds its parts.
 * @returns their names, in the order in which they are to be uploaded
 */
export async function buildPage(config: PageConfig, folder: string): Promise<readonly string[]> {
  const [script, style, icon] = [
    await pageScript('main.ts'),
    await asset('style.css'),
    await asset('icon.svg'),
  ];
  const names = {
    script: hashed('main', script, 'js'),
    style: hashed('style', style, 'css'),
    icon: hashed('icon', icon, 'svg'),
  };
  const policy = pagePolicy(originsOf(config));
  const files: Readonly<Record<string, string>> = {
    [names.script]: script,
    [names.style]: style,
    [names.icon]: icon,
    'config.json': `${JSON.stringify(config, null, 2)}\n`,
    'index.html': pageDocument({ identity: 'login', files: names, policy }),
  };
  await mkdir(folder, { recursive: true });
  for (const [name, body] of Object.entries(files)) await writeFile(join(folder, name), body);
  return Object.keys(files);
}

function hashed(name: string, body: string, ending: string): string {
  return `${name}-${createHash('sha256').update(body).digest('hex').slice(0, 16)}.${ending}`;
}
