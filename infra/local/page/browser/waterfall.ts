import { element } from './element.ts';
import type { TrackedFile } from './tracked-file.ts';
import { bytes, duration } from './words.ts';

interface Step {
  readonly name: string;
  readonly kind: 'upload' | 'wait' | 'scan' | 'settle';
  /** ms after the upload began. */
  readonly from: number;
  /** ms; undefined where there was none, or nobody measured it: `instead` says which. */
  readonly ms: number | undefined;
  readonly instead: string;
}

/**
 * Where the time of a file went. Only what was measured is drawn: the upload by this page, the rest by the scanner. On
 * one machine both read the same clock, so that they may be drawn on one line.
 */
export function waterfall(file: TrackedFile): HTMLElement {
  const steps = stepsOf(file);
  const end = Math.max(1, ...steps.map(({ from, ms = 0 }) => from + ms));
  const rows = steps.map((step) => {
    const bar = element('span', { class: `bar ${step.kind}` });
    bar.style.setProperty('--from', `${(step.from / end) * 100}%`);
    bar.style.setProperty('--length', `${((step.ms ?? 0) / end) * 100}%`);
    bar.hidden = step.ms === undefined;
    return element(
      'div',
      { 'data-step': step.kind },
      element('dt', {}, step.name),
      element('dd', {}, step.ms === undefined ? step.instead : duration(step.ms)),
      element('span', { class: 'track', 'aria-hidden': 'true' }, bar),
    );
  });
  return element(
    'section',
    { class: 'waterfall' },
    element('h3', {}, 'Where the time went'),
    element('dl', {}, ...rows),
    element('p', { class: 'hint' }, explanation(file)),
  );
}

function explanation({ transfer, scan }: TrackedFile): string {
  const from = transfer?.uploaded?.from ?? 0;
  const part = from > 0 ? ` It began at ${bytes(from)}.` : '';
  const unread = scan && scan.scanMs === undefined ? ' It was decided without being read again.' : '';
  return `Upload: measured by this page, without pauses.${part} The rest: by the scanner.${unread}`;
}

function stepsOf({ transfer, scan, handle }: TrackedFile): readonly Step[] {
  const uploaded = transfer?.uploaded;
  const uploadMs = uploaded?.activeMs;
  const arrived = uploaded && scan ? Date.parse(scan.arrivedAt) - uploaded.startedAt - uploaded.pausedMs : 0;
  const wait = Math.max(0, arrived);
  const scanned = wait + (scan?.waitMs ?? 0);
  const settled = scanned + (scan?.scanMs ?? 0);
  const missing = scan ? 'none' : 'not known';
  return [
    { name: 'Upload', kind: 'upload', from: 0, ms: uploadMs, instead: 'not seen by this page' },
    { name: 'Wait', kind: 'wait', from: wait, ms: scan?.waitMs, instead: missing },
    {
      name: 'Scan',
      kind: 'scan',
      from: scanned,
      ms: scan?.scanMs,
      instead: missing,
    },
    {
      name: handle?.state === 'clean' ? 'Promote' : 'Quarantine',
      kind: 'settle',
      from: settled,
      ms: scan?.moveMs,
      instead: missing,
    },
  ];
}
