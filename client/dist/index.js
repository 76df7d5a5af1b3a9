export { FileshareConnectionError, FileshareIntegrityError, FileshareProblem, FileshareTimeout, isInfected, isNotFound, isNotScannedYet, isUnscannable, } from './errors.js';
export { InvalidScanEvent, parseScanEvent } from './events.js';
export { Fileshare } from './fileshare.js';
export { isAvailable, isUnderWay } from './handle.js';
export { WebUploadStore } from './upload/store.js';
