import { pathToFileURL } from 'node:url';
import { launchChromium } from '../support/chromium.ts';

/** A program: saves what the first link of a page downloads, in the current folder. `download.ts FILE.html` */
const [, , file = ''] = process.argv;
const browser = await launchChromium();
try {
  const page = await browser.newPage();
  await page.goto(pathToFileURL(file).href);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('a[download]')]);
  await download.saveAs('saved');
} finally {
  await browser.close();
}
