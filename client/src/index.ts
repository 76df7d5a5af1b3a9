export type { Download, DownloadOptions, DownloadProgress } from './download.ts';
export { RangesIgnored, type RangeTarget } from './download-ranges.ts';
export {
  FileshareConnectionError,
  FileshareIntegrityError,
  FileshareProblem,
  FileshareTimeout,
  isInfected,
  isIntakePaused,
  isNotFound,
  isNotScannedYet,
  isUnscannable,
} from './errors.ts';
export type {
  EventRelease,
  FileDeleted,
  FileDownloaded,
  FileExpiring,
  FileRecalled,
  FileReleased,
  FileShared,
  ScanCompleted,
  ScanEvent,
  ScanFailed,
  VerdictChanged,
} from './event-types.ts';
export { InvalidScanEvent, parseScanEvent } from './events.ts';
export { Fileshare } from './fileshare.ts';
export type {
  AvailableHandle,
  DecidedHandle,
  Handle,
  HandleIn,
  HandleUnderWay,
  Receipt,
  State,
  Viewers,
} from './handle.ts';
export { isAvailable, isUnderWay } from './handle.ts';
export type { Token } from './http.ts';
export type { ServiceNotice } from './notice.ts';
export type {
  CallOptions,
  DownloadRangesOptions,
  FileshareOptions,
  ListOptions,
  PageOptions,
  References,
  ShareOptions,
  WaitOptions,
} from './options.ts';
export type { FileSource, UploadSource } from './source.ts';
export type { Entry, UploadAllOptions, UploadAllProgress, Uploaded } from './upload/many.ts';
export { pickedFiles } from './upload/many.ts';
export type { UploadOptions, UploadProgress, Way } from './upload/options.ts';
export type { UploadStore } from './upload/store.ts';
export { WebUploadStore } from './upload/store.ts';
export type { Verdict, VerdictEnvelope, VerdictStatement } from './verdict.ts';
