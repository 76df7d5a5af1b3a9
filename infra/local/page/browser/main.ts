import { chooser } from './acting.ts';
import { byId } from './element.ts';
import { showEvent } from './event-log.ts';
import { FileList } from './file-list.ts';
import { takeFiles } from './intake.ts';
import { follow } from './live.ts';
import { sessionOf } from './session.ts';
import { Tray } from './tray.ts';

const slow = byId('slow', HTMLInputElement);
const picker = byId('picker', HTMLInputElement);
const principal = chooser((chosen) => files.actAs(sessionOf(chosen)));
const tray = new Tray((transfers) => files.cancelled(transfers));
const files = new FileList(sessionOf(principal), tray, () => picker.click());

takeFiles((taken) => files.upload(taken, slow.checked));

byId('lookup', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  void files.open(byId('file-id', HTMLInputElement).value.trim());
});

follow({
  message(message, event) {
    const fileId = event && 'fileId' in event.data ? event.data.fileId : undefined;
    showEvent(message, event, fileId && files.nameOf(fileId));
    if (fileId) files.happened(fileId);
  },
  timings: (timings) => files.timed(timings),
});
files.list();
