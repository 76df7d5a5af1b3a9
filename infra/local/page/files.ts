import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DocumentOptions, pageDocument } from './document.ts';
import { LOGIN_PATH } from './local-config.ts';
import { pageScript } from './script.ts';
import type { PlatformStatus } from './status-page.ts';

interface PageFile {
  readonly type: string;
  readonly body: string;
}

type Make = (status: PlatformStatus) => PageFile | Promise<PageFile>;

const LOCAL_FILES = {
  script: '/local/page/main.js',
  style: '/local/page/style.css',
  icon: '/local/page/icon.svg',
};

const FILES: Readonly<Record<string, Make>> = {
  '/': (status) => documentOf('list', status),
  [LOGIN_PATH]: (status) => documentOf('login', status),
  [LOCAL_FILES.script]: () => script('main.ts'),
  '/local/page/tour.js': () => script('tour/main.ts'),
  [LOCAL_FILES.style]: () => style('style.css'),
  '/local/page/tour.css': () => style('tour/tour.css'),
  [LOCAL_FILES.icon]: async () => ({ type: 'image/svg+xml', body: await asset('icon.svg') }),
};

/** The files of the page; undefined if a path is none of them. @throws where it cannot be made */
export async function pageFile(path: string, status: PlatformStatus): Promise<PageFile | undefined> {
  return FILES[path]?.(status);
}

/** The text of a part of the page that is used as it is. */
export function asset(name: 'style.css' | 'tour/tour.css' | 'icon.svg'): Promise<string> {
  return readFile(join(import.meta.dirname, 'browser', name), 'utf8');
}

async function script(entry: string): Promise<PageFile> {
  return { type: 'text/javascript; charset=utf-8', body: await pageScript(entry) };
}

async function style(name: 'style.css' | 'tour/tour.css'): Promise<PageFile> {
  return { type: 'text/css; charset=utf-8', body: await asset(name) };
}

function documentOf(identity: DocumentOptions['identity'], { developmentSignatures }: PlatformStatus) {
  const body = pageDocument({ identity, files: LOCAL_FILES, local: { developmentSignatures } });
  return { type: 'text/html; charset=utf-8', body };
}
