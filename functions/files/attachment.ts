import { fileUrl } from '../../shared/files/file-url.ts';
import type { Content, Stored } from '../../shared/files/record.ts';
import { defined } from '../../shared/runtime/defined.ts';

/** The largest `unsignedInt` of FHIR R4: https://hl7.org/fhir/R4/datatypes.html#unsignedInt */
const MAX_UNSIGNED_INT = 2 ** 31 - 1;

/** Identifies our extension; its value is the SHA-256 of the bytes. */
const SHA256_EXTENSION = 'urn:hops-fileshare:fhir:sha256';

/** The data type Attachment of FHIR R4: https://hl7.org/fhir/R4/datatypes.html#Attachment */
interface Attachment {
  readonly extension: readonly [{ readonly url: string; readonly valueBase64Binary: string }];
  readonly contentType: string;
  readonly url: string;
  readonly size?: number;
  readonly title?: string;
  readonly creation: string;
}

/**
 * A file as an Attachment, to be put into a resource such as DocumentReference. `hash` is left out: FHIR defines it
 * as SHA-1, which is not computed here; the SHA-256 is an extension. `size` is left out where R4 cannot express it.
 * See docs/fhir.md.
 * @param filesUrl where clients reach the files function, without a trailing slash
 */
export function toAttachment(
  file: Pick<Stored, 'id' | 'contentType' | 'fileName' | 'createdAt'> & { readonly content: Content },
  filesUrl: string,
): Attachment {
  const { size, sha256 } = file.content;
  const valueBase64Binary = Buffer.from(sha256, 'hex').toString('base64');
  return {
    extension: [{ url: SHA256_EXTENSION, valueBase64Binary }],
    contentType: file.contentType,
    url: fileUrl(filesUrl, file.id),
    ...(size <= MAX_UNSIGNED_INT && { size }),
    ...defined({ title: file.fileName }),
    creation: file.createdAt.toISOString(),
  };
}
