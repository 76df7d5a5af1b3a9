import { ApiError, invalid } from '../api-error.ts';
import type { ServedOperation } from '../operation.ts';
import type { Route } from './router.ts';

/**
 * Query parameters of one method. Parameters that are not listed are refused as unknown.
 * `withoutEffect`: accepted with these values, because they change nothing that the emulator has.
 * `refused`: documented by Google and not supported here, so refused by name.
 */
interface MethodParameters {
  readonly supported?: readonly string[];
  readonly withoutEffect?: Readonly<Record<string, RegExp>>;
  readonly refused?: readonly string[];
}

const ANY = /^/;
const BOOLEAN = /^(true|false)$/i;
const FALSE = /^false$/i;
/** ACLs are all that `full` adds, and with uniform bucket-level access there are none. */
const PROJECTION = /^(noAcl|full)$/;

/**
 * Parameters of every method. The emulator needs no API key, attributes nothing to users, and JSON is the only format.
 * Sources: https://cloud.google.com/storage/docs/json_api/v1/parameters, https://cloud.google.com/apis/docs/system-parameters
 */
const GENERAL: Readonly<Record<string, RegExp>> = {
  alt: /^json$/,
  prettyPrint: BOOLEAN,
  key: ANY,
  quotaUser: ANY,
  userIp: ANY,
  '$.xgafv': /^[12]$/,
};

const METAGENERATION = ['ifMetagenerationMatch', 'ifMetagenerationNotMatch'];
const PRECONDITIONS = ['ifGenerationMatch', 'ifGenerationNotMatch', ...METAGENERATION];
const SOURCE_PRECONDITIONS = PRECONDITIONS.map((name) => name.replace('if', 'ifSource'));

const INSERT: MethodParameters = {
  supported: ['uploadType', 'name', 'contentEncoding', 'fields', ...PRECONDITIONS],
  withoutEffect: { projection: PROJECTION },
  refused: ['kmsKeyName', 'predefinedAcl', 'userProject'],
};
/** A session URI repeats the name and the type of the upload that it was opened with. */
const SESSION: MethodParameters = {
  supported: ['upload_id'],
  withoutEffect: { uploadType: /^resumable$/, name: ANY },
};
const COPY: MethodParameters = {
  supported: ['sourceGeneration', 'fields', ...PRECONDITIONS, ...SOURCE_PRECONDITIONS],
  withoutEffect: { projection: PROJECTION },
  refused: ['destinationKmsKeyName', 'destinationPredefinedAcl', 'userProject'],
};
const CHANGE: MethodParameters = {
  supported: ['generation', 'fields', ...PRECONDITIONS],
  withoutEffect: { projection: PROJECTION, overrideUnlockedRetention: FALSE },
  refused: ['predefinedAcl', 'userProject'],
};
const BUCKET_CHANGE: MethodParameters = {
  supported: ['fields', ...METAGENERATION],
  withoutEffect: { projection: PROJECTION },
  refused: ['predefinedAcl', 'predefinedDefaultObjectAcl', 'userProject'],
};

/** Parameters by method. Source: the method's page under https://cloud.google.com/storage/docs/json_api/v1. */
const PARAMETERS: Readonly<Record<ServedOperation | 'signedUrl', MethodParameters>> = {
  // All buckets belong to the one project that there is.
  'buckets.insert': {
    supported: ['fields'],
    withoutEffect: { project: ANY, projection: PROJECTION, enableObjectRetention: FALSE },
    refused: ['predefinedAcl', 'predefinedDefaultObjectAcl', 'userProject'],
  },
  'buckets.list': {
    supported: ['prefix', 'fields'],
    // A page holds at most 1 000 buckets, and more are not in one emulator.
    withoutEffect: { project: ANY, projection: PROJECTION, softDeleted: FALSE, maxResults: /^1000$/ },
    refused: ['pageToken', 'returnPartialSuccess', 'userProject'],
  },
  'buckets.get': {
    supported: ['fields', ...METAGENERATION],
    withoutEffect: { projection: PROJECTION, softDeleted: FALSE },
    refused: ['generation', 'userProject'],
  },
  'buckets.patch': BUCKET_CHANGE,
  'buckets.update': BUCKET_CHANGE,
  'buckets.delete': { supported: METAGENERATION, refused: ['userProject'] },
  // The prefix chooses the permission that is checked, not the answer.
  'buckets.getStorageLayout': { supported: ['fields'], withoutEffect: { prefix: ANY } },
  // There are none: any page of any prefix is empty.
  'managedFolders.list': { supported: ['fields'], withoutEffect: { prefix: ANY, pageSize: /^\d+$/ } },
  // The gcloud CLI names a project to bill here, though nothing is billed.
  'notifications.list': { supported: ['fields'], withoutEffect: { userProject: ANY } },
  'objects.insert': INSERT,
  'objects.list': {
    supported: [
      'prefix',
      'delimiter',
      'startOffset',
      'endOffset',
      'includeTrailingDelimiter',
      'maxResults',
      'pageToken',
      'fields',
    ],
    withoutEffect: {
      projection: PROJECTION,
      // Buckets refuse versioning, so that every version is the live one.
      versions: BOOLEAN,
      // Folders exist in buckets with a hierarchical namespace alone, and buckets refuse that.
      includeFoldersAsPrefixes: BOOLEAN,
      softDeleted: FALSE,
    },
    refused: ['matchGlob', 'filter', 'userProject'],
  },
  'objects.get': {
    supported: ['generation', 'fields', ...PRECONDITIONS],
    withoutEffect: { projection: PROJECTION, softDeleted: FALSE },
    refused: ['restoreToken', 'userProject'],
  },
  'objects.getMedia': {
    supported: ['generation', ...PRECONDITIONS],
    withoutEffect: { alt: /^media$/, projection: PROJECTION, softDeleted: FALSE },
    refused: ['fields', 'restoreToken', 'userProject'],
  },
  // https://cloud.google.com/storage/docs/authentication/signatures
  signedUrl: {
    supported: [
      'X-Goog-Algorithm',
      'X-Goog-Credential',
      'X-Goog-Date',
      'X-Goog-Expires',
      'X-Goog-SignedHeaders',
      'X-Goog-Signature',
      'generation',
      'response-content-type',
      'response-content-disposition',
    ],
    refused: ['userProject'],
  },
  'objects.patch': CHANGE,
  'objects.update': CHANGE,
  'objects.delete': {
    supported: ['generation', ...PRECONDITIONS],
    // @google-cloud/storage repeats the query of its listing in the deletions of `deleteFiles`.
    withoutEffect: { prefix: ANY },
    refused: ['userProject'],
  },
  'objects.copy': COPY,
  'objects.rewrite': {
    ...COPY,
    supported: [...(COPY.supported ?? []), 'rewriteToken', 'maxBytesRewrittenPerCall'],
  },
  'objects.compose': {
    supported: ['ifGenerationMatch', 'ifMetagenerationMatch', 'fields'],
    withoutEffect: { deleteSourceObjects: FALSE },
    refused: ['destinationPredefinedAcl', 'kmsKeyName', 'userProject'],
  },
  'resumable.start': INSERT,
  'resumable.chunk': SESSION,
  'resumable.query': SESSION,
  'resumable.cancel': SESSION,
};

/**
 * Refuses each query parameter that would be ignored otherwise: a client that relies on it must not be misled.
 * @throws ApiError 400
 */
export function checkParameters(operation: ServedOperation, { signed }: Route, query: URLSearchParams): void {
  const { supported = [], withoutEffect = {}, refused = [] } = PARAMETERS[signed ? 'signedUrl' : operation];
  for (const [name, value] of query) {
    if (query.getAll(name).length > 1) throw refusal(name, `Parameter ${name} was given more than once.`);
    if (supported.includes(name)) continue;
    const values = withoutEffect[name] ?? GENERAL[name];
    if (values?.test(value)) continue;
    if (name.endsWith('redefinedAcl')) throw invalid(NO_LEGACY_ACL);
    if (name === 'alt') throw refusal(name, `Invalid alternate data representation: ${value}`);
    const known = values !== undefined || refused.includes(name);
    throw refusal(
      name,
      known
        ? `Parameter ${name}=${value} of ${operation} is not supported by this emulator.`
        : `Unknown parameter ${name} of ${operation}.`,
    );
  }
}

/** Source: https://cloud.google.com/storage/docs/uniform-bucket-level-access */
const NO_LEGACY_ACL =
  'Cannot insert legacy ACL for an object when uniform bucket-level access is enabled. ' +
  'Read more at https://cloud.google.com/storage/docs/uniform-bucket-level-access';

const refusal = (name: string, message: string): ApiError =>
  new ApiError(400, 'invalidParameter', message, {}, { locationType: 'parameter', location: name });
