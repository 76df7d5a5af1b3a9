import { type Exceptions, registerCases } from '../cases.ts';
import { clientMovesBytes } from './client-bytes-cases.ts';
import { clientKeepsVersions } from './client-versions-cases.ts';
import { listings } from './list-cases.ts';
import { downloads } from './media-cases.ts';
import { objectMetadata } from './object-cases.ts';
import { resumableUploads } from './resumable-cases.ts';
import { StorageSubject } from './subject.ts';
import { transfers } from './transfer-cases.ts';
import { uploadsInOneRequest } from './upload-cases.ts';

const SUITES = [
  clientMovesBytes,
  clientKeepsVersions,
  uploadsInOneRequest,
  resumableUploads,
  objectMetadata,
  downloads,
  transfers,
  listings,
];

/**
 * What the service needs of Cloud Storage, through its own client and in bare HTTP.
 * @param endpoint is called before the first case
 */
export function describeStorage(
  name: string,
  endpoint: () => { readonly url: string; readonly bucket?: string | undefined },
  exceptions: Exceptions = {},
): void {
  describe(name, function () {
    this.timeout(60_000);
    let subject: StorageSubject;
    before(async () => {
      const { url, bucket } = endpoint();
      subject = await StorageSubject.open(url, bucket);
    });
    after(() => subject?.close());
    registerCases(SUITES, () => subject, exceptions);
  });
}
