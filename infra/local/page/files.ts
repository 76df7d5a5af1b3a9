import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pageDocument } from './document.ts';
import { pageScript } from './script.ts';
import type { PlatformStatus } from './status-page.ts';

interface PageFile {
  readonly type: string;
  readonly body: string;
}

type Make = (status: PlatformStatus) => PageFile | Promise<PageFile>;

const FILES: Readonly<Record<string, Make>> = {
  '/': ({ developmentSignatures }) => ({
    type: 'text/html; charset=utf-8',
    body: pageDocument(developmentSignatures),
  }),
  '/local/page/main.js': () => script('main.ts'),
  '/local/page/tour.js': () => script('tour/main.ts'),
  '/local/page/style.css': () => asset('style.css', 'text/css; charset=utf-8'),
  '/local/page/tour.css': () => asset('tour/tour.css', 'text/css; charset=utf-8'),
  '/local/page/icon.svg': () => asset('icon.svg', 'image/svg+xml'),
};

/** The files of the page; undefined if a path is none of them. @throws where it cannot be made */
export async function pageFile(path: string, status: PlatformStatus): Promise<PageFile | undefined> {
  return FILES[path]?.(status);
}

async function script(entry: string): Promise<PageFile> {
  return { type: 'text/javascript; charset=utf-8', body: await pageScript(entry) };
}

async function asset(name: string, type: string): Promise<PageFile> {
  return { type, body: await readFile(join(import.meta.dirname, 'browser', name), 'utf8') };
}
