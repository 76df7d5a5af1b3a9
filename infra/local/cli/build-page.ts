/** `npm run build:page -- config.json folder`: writes the page of a deployment as static files. See docs/page.md. */
import { readFile } from 'node:fs/promises';
import { buildPage } from '../page/build.ts';
import { parsePageConfig } from '../page/page-config.ts';

const [configPath, folder, ...more] = process.argv.slice(2);

try {
  if (!configPath || !folder || more.length > 0) {
    throw new Error('Usage: npm run build:page -- CONFIG FOLDER');
  }
  const config = parsePageConfig(JSON.parse(await readFile(configPath, 'utf8')));
  for (const name of await buildPage(config, folder)) console.log(name);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
