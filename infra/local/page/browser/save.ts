import { element } from './element.ts';

/** Long enough for a browser to have begun. */
const KEPT_MS = 60_000;

/** Hands bytes to the browser as a download, never as a page of this origin. */
export function save(content: Blob, name: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }));
  element('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
