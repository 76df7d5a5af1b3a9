/** Preloaded into a process, it counts the modules that are loaded and writes their number to `MODULES_REPORT`. */
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

let count = 0;
registerHooks({
  load(url, context, nextLoad) {
    if (!url.startsWith('node:')) count += 1;
    return nextLoad(url, context);
  },
});
process.on('exit', () => writeFileSync(process.env['MODULES_REPORT'] ?? '', String(count)));
