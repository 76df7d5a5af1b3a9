import { escapeHtml } from '../html.ts';
import { PRINCIPALS } from '../issuer/known-principals.ts';
import { type Sample, samples } from '../samples/samples.ts';
import { DEVELOPMENT_SIGNATURES } from './banner.ts';
import { type IdentityKind, identityControls, insideOf, loginScreen } from './identity.ts';

/** Tabs and their panels. */
const TABS = [
  { tab: 'mine', name: 'Mine', panel: 'list' },
  { tab: 'shared', name: 'Shared with me', panel: 'list' },
  { tab: 'events', name: 'Events', panel: 'events-panel' },
  { tab: 'quarantine', name: 'Quarantine', panel: 'quarantine' },
  { tab: 'operations', name: 'Operations', panel: 'operations' },
] as const;

/** The line below the name, on the local platform. */
const SUBTITLES: Readonly<Record<IdentityKind, string>> = {
  list: '<p>On this machine. <a href="/local/status">Status and commands</a>. <a href="/local/login/">Log in instead</a></p>',
  login:
    '<p>On this machine. <a href="/local/status">Status and commands</a>. <a href="/">Choose an identity instead</a></p>',
};
const STATUS_PAGE = ' Without it, there are the commands of the <a href="/local/status">status page</a>.';

/** The tour changes whom the page acts for, so it needs the list of identities. */
const TOUR_PARTS =
  '\n<link rel="stylesheet" href="/local/page/tour.css">\n<script type="module" src="/local/page/tour.js"></script>';
const TOUR_START = '<button type="button" class="main" id="tour-start">Take the tour</button>\n  ';

/** Columns of the table of files; the classes of its cells are the same words. */
const COLUMNS = ['Name', 'State', 'Size', 'Date', 'Owner'];

export interface DocumentOptions {
  readonly identity: IdentityKind;
  /** Addresses of its parts. */
  readonly files: { readonly script: string; readonly style: string; readonly icon: string };
  /** Undefined where it is hosted. `developmentSignatures` is undefined until ClamAV has said. */
  readonly local?: { readonly developmentSignatures: boolean | undefined };
  /** A Content-Security-Policy, where no header sets one. */
  readonly policy?: string;
}

/** The page before its script runs. */
export function pageDocument({ identity, files, local, policy }: DocumentOptions): string {
  const inside = insideOf(identity);
  const hasTour = local !== undefined && identity === 'list';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${policy === undefined ? '' : `<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">\n<meta name="referrer" content="no-referrer">`}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>HOPS Fileshare</title>
<link rel="icon" href="${files.icon}" type="image/svg+xml">
<link rel="stylesheet" href="${files.style}">
<script type="module" src="${files.script}"></script>${hasTour ? TOUR_PARTS : ''}
</head>
<body>
<a class="skip" href="#files"${inside}>Skip to the files</a>
<header class="top">
  <div class="brand">
    <img src="${files.icon}" alt="" width="36" height="36">
    <div><h1>HOPS Fileshare</h1>${local ? SUBTITLES[identity] : ''}</div>
  </div>
  ${hasTour ? TOUR_START : ''}${identityControls(identity)}
</header>
${local ? warning(local.developmentSignatures) : ''}
${loginScreen(identity)}
<div class="notice" id="notice" role="status" aria-label="Notice"${inside}></div>
<div class="columns"${inside}>
<main>
  <section class="panel" aria-labelledby="upload-heading">
    <h2 id="upload-heading">Upload</h2>
    <div class="drop" id="drop">
      <p class="drop-words">Drop files or folders here, or</p>
      <div class="picks">
        <span class="pick"><input type="file" id="picker" multiple><label for="picker">Choose files</label></span>
        <span class="pick second"><input type="file" id="folder-picker" webkitdirectory><label for="folder-picker">Choose a folder</label></span>
      </div>
      <p class="hint">Any type and any size. Each is scanned before anybody gets it.</p>
    </div>
    ${local ? trials() : ''}
  </section>
  <section aria-labelledby="files-heading" id="files" tabindex="-1">
    <div class="files-head">
      <h2 id="files-heading">Files</h2>
      <p class="connection" id="connection">Connecting…</p>
      <form class="lookup" id="lookup" autocomplete="off">
        <label for="file-id">Open by id</label>
        <input id="file-id" required autocapitalize="none" spellcheck="false">
        <button type="submit">Open</button>
      </form>
    </div>
    <p class="problem" id="problem" role="alert" aria-label="Problem" hidden></p>
    <div class="tabs" role="tablist" aria-label="Views">${TABS.map(tabButton).join('')}</div>
    <div id="list" role="tabpanel" aria-labelledby="tab-mine">
      <div class="controls">
        <label class="visually-hidden" for="state">State</label>
        <select id="state"><option value="">Any state</option></select>
        <label class="visually-hidden" for="search">Search by name</label>
        <input type="search" id="search" placeholder="Search by name" autocomplete="off" spellcheck="false">
      </div>
      <p class="empty" id="empty">No files yet.</p>
      <table class="table" id="table" role="table" aria-labelledby="files-heading" data-tab="mine" hidden>
        <thead role="rowgroup"><tr role="row" class="columns-of-files">${COLUMNS.map(columnHeader).join('')}</tr></thead>
      </table>
      <div class="pages">
        <p class="hint" role="status" id="count" aria-label="Files shown"></p>
        <button type="button" class="small" id="previous" hidden>Previous</button>
        <button type="button" class="small" id="next" hidden>Next</button>
        <button type="button" class="small" id="more" hidden>Load more</button>
      </div>
    </div>
    <div id="events-panel" role="tabpanel" aria-labelledby="tab-events" hidden>
      <div class="controls">
        <p class="hint">What subscribers get from Pub/Sub, newest first.</p>
        <label class="visually-hidden" for="event-filter">Events of a file</label>
        <input type="search" id="event-filter" placeholder="Name or id of a file" autocomplete="off" spellcheck="false">
      </div>
      <p class="empty" id="no-events">No events yet.</p>
      <div class="events" role="log" aria-live="off" aria-label="Events" tabindex="0"><ol id="events"></ol></div>
    </div>
    <div id="quarantine" role="tabpanel" aria-labelledby="tab-quarantine" hidden>
      <div class="controls">
        <p class="hint">Contents that nobody gets, and why. A release takes effect on files with the next sweep.</p>
        <button type="button" class="small" id="quarantine-reload">Reload</button>
        <button type="button" class="small" id="quarantine-sweep">Sweep now</button>
      </div>
      <p class="hint" role="status" id="quarantine-count" aria-label="Contents in quarantine"></p>
      <ul class="contents" id="contents"></ul>
      <button type="button" class="small" id="quarantine-more" hidden>Load more</button>
    </div>
    <div id="operations" role="tabpanel" aria-labelledby="tab-operations" hidden>
      <div class="controls">
        <p class="hint">The numbers of <code>fileshare admin status</code> and of the dashboard.</p>
        <button type="button" class="small" id="operations-reload">Reload</button>
      </div>
      <dl class="facts readings" id="readings"></dl>
      <div class="actions" id="orders"></div>
      <form class="intake" id="intake" autocomplete="off">
        <label for="intake-reason">Reason to take no new uploads, for everybody to read</label>
        <input id="intake-reason" required maxlength="500">
        <button type="submit" class="small" id="intake-pause">Pause intake</button>
        <button type="button" class="small" id="intake-resume" hidden>Resume intake</button>
      </form>
      <p class="note" role="status" id="intake-note" aria-label="Intake"></p>
      <form class="intake" id="notice-form" autocomplete="off">
        <label for="notice-text">Notice to all users, such as of maintenance</label>
        <input id="notice-text" required maxlength="500">
        <span><input type="checkbox" id="notice-warning"><label for="notice-warning">As a warning</label></span>
        <button type="submit" class="small" id="notice-publish">Publish notice</button>
        <button type="button" class="small" id="notice-remove" hidden>Remove notice</button>
      </form>
      <p class="note" role="status" id="notice-note" aria-label="Notice to users"></p>
      <p class="note" role="status" id="operations-note" aria-label="Outcome of the order"></p>
    </div>
  </section>
</main>
</div>
<div class="dock" id="dock"${inside}><section class="tray" id="tray" aria-label="Uploads" hidden></section></div>
<div class="visually-hidden" role="status" aria-atomic="false" id="announcer" aria-label="News"></div>
<noscript><p class="warning">This page needs JavaScript.${local ? STATUS_PAGE : ''}</p></noscript>
<datalist id="principals">${[...Object.keys(PRINCIPALS), 'group:nurses']
    .map((principal) => `<option value="${principal}">`)
    .join('')}</datalist>
</body>
</html>
`;
}

/** The part that only the local platform has. */
function trials(): string {
  return `<fieldset class="samples"><legend>Or try a sample</legend>
      <ul>${samples().map(sampleButton).join('')}</ul>
    </fieldset>
    <p class="slow"><input type="checkbox" id="slow"><label for="slow">Upload slowly (1 MiB a second), so that there is time to pause</label></p>`;
}

function tabButton({ tab, name, panel }: (typeof TABS)[number]): string {
  const isFirst = tab === 'mine';
  const rest = isFirst ? '' : ' tabindex="-1"';
  return `<button type="button" role="tab" id="tab-${tab}" aria-controls="${panel}" aria-selected="${isFirst}"${rest}>${name}</button>`;
}

function columnHeader(name: string): string {
  return `<th scope="col" role="columnheader" class="${name.toLowerCase()}">${name}</th>`;
}

function sampleButton({ name, contentType, expected }: Sample): string {
  const text = escapeHtml(name);
  const mark = !expected || expected === 'clean' ? '' : ` <span class="expected">${expected}</span>`;
  return `<li><button type="button" data-sample="${text}" data-type="${contentType}">${text}${mark}</button></li>`;
}

/** Loud, also while ClamAV has not said which signatures it has: nobody should take this for a real scan by mistake. */
function warning(developmentSignatures: boolean | undefined): string {
  if (developmentSignatures === false) return '';
  const unknown = ['ClamAV is starting: it has not said yet which signatures it has. Load this page again.'];
  const [first = '', ...rest] = developmentSignatures ? DEVELOPMENT_SIGNATURES : unknown;
  return `<div class="warning" role="alert" aria-label="Signatures"><p><strong>${escapeHtml(first)}</strong></p>${rest
    .map((line) => `<p>${escapeHtml(line)}</p>`)
    .join('')}</div>`;
}
