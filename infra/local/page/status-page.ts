import { escapeHtml } from '../html.ts';
import type { ChildStatus } from '../processes/supervisor.ts';
import { DEVELOPMENT_SIGNATURES } from './banner.ts';
import { commands } from './commands.ts';

/** The data of the status page and `/local/status.json`. */
export interface PlatformStatus {
  readonly ready: boolean;
  /** True where clamd has development signatures only; undefined until it has said. */
  readonly developmentSignatures: boolean | undefined;
  readonly url: string;
  readonly uploadUrl: string;
  readonly filesUrl: string;
  readonly storageUrl: string;
  readonly pubsubHost: string;
  readonly sweeperUrl: string;
  readonly data: string;
  readonly processes: readonly ChildStatus[];
}

/** Plain HTML without a script; `now` is in ms since 1970. */
export function statusPage(status: PlatformStatus, now: number): string {
  const warning = status.developmentSignatures
    ? `<p class="warning" role="alert">${DEVELOPMENT_SIGNATURES.map(escapeHtml).join('<br>')}</p>`
    : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Status of HOPS Fileshare</title>
<link rel="icon" href="/local/page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/local/page/style.css">
</head>
<body>
${warning}
<main class="status">
<h1>Status of HOPS Fileshare</h1>
<p><a href="/">Back to the files</a></p>
<p>${status.ready ? 'Ready.' : 'Not ready: a process is not running.'} <a href="/local/status.json">The same as JSON</a></p>
<h2>Processes</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Processes"><table>
<thead><tr><th scope="col">Name</th><th scope="col">State</th><th scope="col">Since</th><th scope="col">Process</th><th scope="col">Restarts</th></tr></thead>
<tbody>
${status.processes.map((process) => row(process, now)).join('\n')}
</tbody>
</table></div>
<h2>Addresses</h2>
<table><tbody>
${addresses(status)}
</tbody></table>
<h2>Try it in a terminal</h2>
${commands(status.url, status.pubsubHost)
  .map(
    ({ does, lines }) =>
      `<h3>${escapeHtml(does)}</h3>\n<pre tabindex="0"><code>${escapeHtml(lines.join('\n'))}</code></pre>`,
  )
  .join('\n')}
</main>
</body>
</html>
`;
}

function row({ name, state, since, pid, restarts }: ChildStatus, now: number): string {
  const seconds = Math.round((now - since) / 1000);
  const cells = [state, `${seconds} s`, pid ?? '', restarts].map((cell) => `<td>${cell}</td>`);
  return `<tr><th scope="row">${escapeHtml(name)}</th>${cells.join('')}</tr>`;
}

function addresses({ url, uploadUrl, filesUrl, ...status }: PlatformStatus): string {
  const { storageUrl, pubsubHost, sweeperUrl, data } = status;
  const all = {
    Gateway: url,
    'Upload alone': uploadUrl,
    'Files alone': filesUrl,
    'Cloud Storage': storageUrl,
    'Pub/Sub': pubsubHost,
    Sweeper: sweeperUrl,
    'Data and logs': data,
  };
  return Object.entries(all)
    .map(([name, value]) => `<tr><th scope="row">${name}</th><td><code>${escapeHtml(value)}</code></td></tr>`)
    .join('\n');
}
