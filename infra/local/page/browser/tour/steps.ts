import { byId } from '../element.ts';
import { SampleUpload } from './sample-upload.ts';
import { listingProblem, noteIn, noteOf, troubleIn } from './trouble.ts';
import {
  actAs,
  actingAs,
  buttonIn,
  isOpen,
  openRow,
  openTab,
  rowOf,
  sampleButton,
  until,
} from './visitor.ts';

const CLEAN = 'letter.pdf';
const MALWARE = 'eicar.com';
const RECEIVERS = ['org:974760673', 'org:889640782'] as const;
const OPERATOR = 'user:operator';
const HOUR_MS = 3_600_000;
/** A step of the tour, which the tour or the visitor may take. */
export interface Step {
  readonly title: string;
  /** An instruction for the visitor. */
  readonly text: string;
  /** Words on the button that does it. */
  readonly button: string;
  /** The system’s part in it, told when it is done. */
  readonly behind: string;
  /** Part of the page that it is about. */
  target(): Element | null;
  /** Does it by the means of the page. */
  act(signal: AbortSignal): void | Promise<void>;
  isDone(): boolean;
  /** Why it is not done, as far as the page shows this; undefined while it may still be. */
  problem(): string | undefined;
}

/** The steps of one tour, for the principal that the page acts as. */
export function stepsOf(): readonly Step[] {
  const owner = actingAs();
  const receiver = RECEIVERS.find((each) => each !== owner) ?? RECEIVERS[0];
  const clean = new SampleUpload(CLEAN, 'Clean', owner);
  const malware = new SampleUpload(MALWARE, 'Infected', owner);
  const letter = () => rowOf(clean.id);
  const isDownloaded = () => noteOf(letter()).includes('Downloaded ');
  const ofOwner = (): string | undefined => troubleIn(letter(), 'Clean');
  return [
    {
      title: 'A clean file',
      text: `You are ${owner}. Upload ${CLEAN}, one of the samples, and wait for its verdict.`,
      button: `Upload ${CLEAN}`,
      behind:
        'The bytes went to a bucket that nobody can read. The scanner hashed them, ClamAV found nothing in them, and only then were they copied to the bucket of files that can be downloaded.',
      target: () => letter() ?? sampleButton(CLEAN),
      act: () => clean.begin(),
      isDone: () => clean.isDecided(),
      problem: () => clean.problem(),
    },
    {
      title: 'Malware',
      text: `Upload ${MALWARE}, a harmless test file that every scanner reports as malware.`,
      button: `Upload ${MALWARE}`,
      behind:
        'ClamAV found the signature, and the bytes went to quarantine. The owner is told what was found and what to do, and cannot download the file either.',
      target: () => rowOf(malware.id)?.querySelector('.why') ?? sampleButton(MALWARE),
      act: () => malware.begin(),
      isDone: () => malware.isDecided(),
      problem: () => malware.problem(),
    },
    {
      title: 'Sharing',
      text: `Open ${CLEAN}, and share it with ${receiver} for an hour.`,
      button: `Share ${CLEAN}`,
      behind:
        'The grant and its end are in the record of the file. Every read compares the end with the clock, so that nothing has to run in time to enforce it.',
      target: () => letter()?.querySelector('.sharing') ?? letter(),
      async act(signal) {
        const place = { principal: owner, tab: 'mine', id: clean.id } as const;
        const form = await openRow(place, shareForm, signal);
        fill(form, 'input:not([type])', receiver);
        fill(form, 'input[type="datetime-local"]', localTime(Date.now() + HOUR_MS));
        form.requestSubmit();
      },
      isDone: () => letter()?.querySelector(`button[aria-label="Revoke ${receiver}"]`) != null,
      problem: ofOwner,
    },
    {
      title: 'The receiver',
      text: `Act as ${receiver}, and look under “Shared with me”.`,
      button: `Act as ${receiver}`,
      behind:
        'Each principal has an index of the files that others share with them, and the record of each file decides what is shown: nothing else of its owner is visible here.',
      target: () => (actingAs() === receiver ? letter() : null) ?? byId('acting', HTMLFormElement),
      act() {
        actAs(receiver);
        // Chosen once more, a tab is loaded again.
        openTab('mine');
        openTab('shared');
      },
      isDone: () => actingAs() === receiver && isOpen('shared') && letter() !== null,
      problem: listingProblem,
    },
    {
      title: 'A download',
      text: `Open ${CLEAN}, and download it as ${receiver}.`,
      button: `Download ${CLEAN}`,
      behind:
        'The service asked the record whether this principal may have the file, and wrote a receipt that its owner can see. Your browser compared the SHA-256 of what it got.',
      target: () => (isDownloaded() ? noteIn(letter()) : buttonIn(letter(), 'Download')) ?? letter(),
      async act(signal) {
        const place = { principal: receiver, tab: 'shared', id: clean.id } as const;
        (await openRow(place, (row) => buttonIn(row, 'Download'), signal)).click();
      },
      isDone: isDownloaded,
      problem: () => troubleIn(letter(), 'Clean') ?? listingProblem(),
    },
    {
      title: 'Events',
      text: 'Look at what subscribers were told about both files.',
      button: 'Show the events',
      behind:
        'Each is a CloudEvent that every subscriber gets from Pub/Sub, at least once and by the same id: both verdicts, the grant and the download are among them.',
      target: () => (isOpen('events') ? document.querySelector('.events') : byId('tab-events', HTMLElement)),
      act() {
        openTab('events');
        const filter = byId('event-filter', HTMLInputElement);
        filter.value = '';
        filter.dispatchEvent(new Event('input'));
      },
      isDone: () => isOpen('events') && [clean, malware].every(({ id }) => isEventShown(id)),
      problem: () =>
        byId('connection', HTMLElement).dataset['state'] === 'lost'
          ? 'The events do not come in.'
          : undefined,
    },
    {
      title: 'Quarantine',
      text: `Act as ${OPERATOR}, and open ${MALWARE} under “Quarantine”.`,
      button: `Act as ${OPERATOR}`,
      behind:
        'Only operators see this. A content is listed once, however many files have it, and its finding counts for all of them. An operator may release it if the finding is wrong.',
      target: () => contentOf(malware.sha256) ?? byId('acting', HTMLFormElement),
      async act(signal) {
        actAs(OPERATOR);
        if (isOpen('quarantine')) byId('quarantine-reload', HTMLButtonElement).click();
        else openTab('quarantine');
        const more = byId('quarantine-more', HTMLButtonElement);
        const found = await until(() => {
          const content = contentOf(malware.sha256);
          if (!content && !more.hidden && !isLoading()) more.click();
          return content;
        }, signal);
        found.querySelector('details')?.setAttribute('open', '');
      },
      isDone: () => contentOf(malware.sha256)?.querySelector('details')?.open ?? false,
      problem() {
        const count = byId('quarantine-count', HTMLElement).textContent;
        return !isLoading() && count.startsWith('Not listed') ? count : undefined;
      },
    },
  ];
}

function shareForm(row: HTMLElement): HTMLFormElement | null {
  return row.querySelector<HTMLFormElement>('.sharing:not([hidden]) form');
}

function fill(form: HTMLFormElement, selector: string, value: string): void {
  const input = form.querySelector<HTMLInputElement>(selector);
  if (input) input.value = value;
}

/** A time as a field of type `datetime-local` has it, where the browser is. */
function localTime(ms: number): string {
  const offset = new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(ms - offset).toISOString().slice(0, 19);
}

function isEventShown(id: string): boolean {
  return document.querySelector(`#events > li:not([hidden]) [data-file="${CSS.escape(id)}"]`) !== null;
}

function contentOf(sha256: string | undefined): HTMLElement | null {
  return document.querySelector<HTMLElement>(`#contents > [data-key="${sha256}"]`);
}

function isLoading(): boolean {
  return byId('contents', HTMLElement).ariaBusy === 'true';
}
