import { registerCases } from '../cases.ts';
import { clientMovesBytes } from './client-bytes-cases.ts';
import { clientKeepsVersions } from './client-versions-cases.ts';
import { EXCEPTIONS } from './exceptions.ts';
import { listings } from './list-cases.ts';
import { downloads } from './media-cases.ts';
import { objectMetadata } from './object-cases.ts';
import { resumableUploads } from './resumable-cases.ts';
import { readRetryVectors, retries } from './retry-cases.ts';
import { type EndpointKind, StorageSubject } from './subject.ts';
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
 * Cases for what the service needs of Cloud Storage, by its own client and in bare HTTP, and Google's published retry cases
 * if `CONFORMANCE_VECTORS` names the folder of https://github.com/googleapis/conformance-tests/tree/main/storage/v1.
 * @param endpoint is called before the first case
 */
export function describeStorage(
  name: string,
  kind: EndpointKind,
  endpoint: () => { readonly url: string; readonly bucket?: string | undefined },
): void {
  describe(name, () => {
    let subject: StorageSubject;
    before(async () => {
      const { url, bucket } = endpoint();
      subject = await StorageSubject.open(url, bucket);
    });
    after(() => subject?.close());
    const folder = process.env['CONFORMANCE_VECTORS'];
    const retryCases = folder !== undefined && kind !== 'google' ? [retries(readRetryVectors(folder))] : [];
    registerCases([...SUITES, ...retryCases], () => subject, EXCEPTIONS[kind]);
    if (retryCases.length > 0) return;
    it("passes Google's published retry cases", function () {
      console.warn(
        kind === 'google'
          ? 'SKIPPED: Cloud Storage takes no orders for the faults of the retry cases'
          : 'SKIPPED: CONFORMANCE_VECTORS does not name the folder of retry_tests.json',
      );
      this.skip();
    });
  });
}
