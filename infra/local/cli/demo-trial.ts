import type { Sample } from '../samples/samples.ts';
import { downloadedDigest, type Handle, type Sent, upload, verdictOf } from './demo-client.ts';
import { type Column, column } from './table.ts';

/** The outcome of one sample. */
export interface Trial {
  readonly name: string;
  readonly sent: Sent;
  readonly handle: Handle;
  /** Durations in ms: until the upload was accepted, and from then on until the verdict was seen. */
  readonly uploadMs: number;
  readonly scanMs: number;
  /** Deviations from the expected result; empty if there are none. */
  readonly faults: readonly string[];
}

const TERMINAL = ['clean', 'infected', 'unscannable'];

/** Uploads a sample, waits for its verdict, and tries to download it. */
export async function tryOut(
  url: string,
  token: string,
  sample: Sample,
  signal: AbortSignal,
): Promise<Trial> {
  const start = performance.now();
  const sent = await upload(url, token, sample);
  const accepted = performance.now();
  const handle = await verdictOf(sent.url, token, signal);
  const decided = performance.now();
  const digest = await downloadedDigest(sent.url, token);
  const faults = faultsOf(sample, sent, handle, digest);
  return { name: sample.name, sent, handle, uploadMs: accepted - start, scanMs: decided - accepted, faults };
}

export function faultsOf(
  { expected }: Sample,
  sent: Sent,
  { state, sha256 }: Handle,
  downloaded: string | undefined,
): readonly string[] {
  const faults: string[] = [];
  const wanted = expected ? [expected] : TERMINAL;
  if (!wanted.includes(state)) faults.push(`its verdict is ${state}, not ${wanted.join(' or ')}`);
  if (sha256 !== undefined && sha256 !== sent.sha256) faults.push('its digest is not that of what was sent');
  if (state === 'clean' && downloaded !== sent.sha256) faults.push('it does not download as it was sent');
  if (state !== 'clean' && downloaded !== undefined) faults.push('it can be downloaded');
  return faults;
}

/** MB/s; of little meaning where a file is small. */
function rate(bytes: number, ms: number): string {
  return bytes < 1e6 ? '' : (bytes / 1000 / ms).toFixed(1);
}

export const TRIAL_COLUMNS: readonly Column<Trial>[] = [
  column('file', ({ name }) => name),
  column('bytes', ({ sent }) => sent.size.toLocaleString('en'), 'right'),
  column('verdict', ({ handle }) => handle.state),
  column('signature or reason', ({ handle }) => handle.signature ?? handle.reason ?? ''),
  column('sha256', ({ sent }) => sent.sha256.slice(0, 12)),
  column('upload', ({ uploadMs }) => `${(uploadMs / 1000).toFixed(2)} s`, 'right'),
  column('scan', ({ scanMs }) => `${(scanMs / 1000).toFixed(2)} s`, 'right'),
  column('MB/s', ({ sent, uploadMs, scanMs }) => rate(sent.size, uploadMs + scanMs), 'right'),
  column('', ({ faults }) => (faults.length === 0 ? 'ok' : 'NOT OK')),
];
