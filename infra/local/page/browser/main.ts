import { byId } from './element.ts';
import { EventLog } from './event-log.ts';
import { FileList } from './file-list.ts';
import { identify } from './identify.ts';
import { takeFiles } from './intake.ts';
import { IntakeSwitch } from './intake-switch.ts';
import { follow } from './live.ts';
import { goTo } from './login/where.ts';
import { NoticeBanner } from './notice.ts';
import { Operations } from './operations.ts';
import { Quarantine } from './quarantine.ts';
import type { Session } from './session.ts';
import { Tabs } from './tabs.ts';
import { Tray } from './tray.ts';

const picker = byId('picker', HTMLInputElement);
const { session, liveUrl, where } = await identify((chosen) => actAs(chosen));
const tabs = new Tabs((tab) => {
  if (tab === 'quarantine') void quarantine.load();
  else if (tab === 'operations') void Promise.all([operations.load(), intake.load()]);
  else if (tab !== 'events') files.showTab(tab);
});
const quarantine = new Quarantine();
const operations = new Operations();
const intake = new IntakeSwitch();
const events = new EventLog();
const tray = new Tray((transfers) => files.cancelled(transfers));
const files = new FileList(session, {
  tabs,
  tray,
  events,
  chooseAgain: () => picker.click(),
  showEvents: liveUrl === undefined ? undefined : showEvents,
});

function showEvents(fileId: string): void {
  events.find(fileId);
  byId('tab-events', HTMLButtonElement).click();
  byId('tab-events', HTMLButtonElement).focus();
}

function actAs(session: Session): void {
  tabs.allow(session.isOperator, liveUrl !== undefined);
  quarantine.actAs(session);
  operations.actAs(session);
  intake.actAs(session);
  events.forgetNames();
  tray.actAs(session);
  files.actAs(session);
}

takeFiles(() => files.taker(isSlow()));

byId('lookup', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  void files.open(byId('file-id', HTMLInputElement).value.trim());
});

addEventListener('online', () => files.reconnected());
if (liveUrl !== undefined) {
  follow(liveUrl, {
    connected: () => files.reconnected(),
    message(message, event) {
      const fileId = event && 'fileId' in event.data ? event.data.fileId : undefined;
      events.add(message, event, fileId && files.nameOf(fileId));
      if (fileId) files.happened(fileId);
    },
    timings: (timings) => files.timed(timings),
  });
}
new NoticeBanner(session).follow();
actAs(session);
if (where) goTo(where);

/** Only the local platform has the box for it. */
function isSlow(): boolean {
  return document.querySelector<HTMLInputElement>('#slow')?.checked ?? false;
}
