import type { Viewer } from '../identity/caller.ts';
import { parsePrincipal } from '../identity/principal.ts';
import { type Metadata, parseCount } from './fields.ts';

/** Viewers between spaces, each as `org:1`, or with the end of its grant in milliseconds: `org:1;1796083200000`. */
export function parseViewers(text: string): readonly Viewer[] | undefined {
  const viewers = text.split(' ').map(parseViewer);
  return viewers.every((viewer) => viewer !== undefined) ? viewers : undefined;
}

/** The viewers that a record names; in a damaged record, those that can be read. */
export function readableViewers({ viewers = '' }: Metadata): readonly Viewer[] {
  return viewers.split(' ').flatMap((text) => parseViewer(text) ?? []);
}

function parseViewer(text: string): Viewer | undefined {
  const [name, end, ...rest] = text.split(';');
  const principal = parsePrincipal(name);
  if (!principal || rest.length > 0) return undefined;
  if (end === undefined) return { principal };
  const until = new Date(parseCount(end) ?? Number.NaN);
  return Number.isNaN(until.getTime()) ? undefined : { principal, until };
}

export function formatViewers(viewers: readonly Viewer[]): string | undefined {
  const texts = viewers.map(({ principal, until }) =>
    until === undefined ? principal : `${principal};${until.getTime()}`,
  );
  return texts.join(' ') || undefined;
}
