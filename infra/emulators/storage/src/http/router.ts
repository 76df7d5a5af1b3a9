import type { IncomingMessage } from 'node:http';
import { invalid } from '../api-error.ts';
import type { Operation, Target } from '../operation.ts';

/** A request, understood: which operation on what. */
export interface Route {
  readonly operation: Operation;
  /** The source, where there is a destination too. */
  readonly target: Target;
  readonly destination?: Target;
  /** The session of a resumable upload. */
  readonly session?: string;
  /** Called by a signed URL of the XML API. */
  readonly signed?: true;
}

type Match = Omit<Route, 'target'> & { readonly target?: Target };

const BUCKET = /^\/storage\/v1\/b\/([^/]+)(?:\/(storageLayout|managedFolders|notificationConfigs))?$/;
const OBJECTS = /^\/storage\/v1\/b\/([^/]+)\/o$/;
const OBJECT = /^\/(download\/)?storage\/v1\/b\/([^/]+)\/o\/([^/]+)$/;
const TRANSFER = /^\/storage\/v1\/b\/([^/]+)\/o\/([^/]+)\/(copyTo|rewriteTo)\/b\/([^/]+)\/o\/([^/]+)$/;
const COMPOSE = /^\/storage\/v1\/b\/([^/]+)\/o\/([^/]+)\/compose$/;
const XML_OBJECT = /^\/([^/]+)\/(.+)$/;
const UPLOAD = /^(?:\/resumable)?\/upload\/storage\/v1\/b\/([^/]+)\/o$/;

const BUCKET_METHODS: Record<string, Operation> = {
  GET: 'buckets.get',
  PATCH: 'buckets.patch',
  PUT: 'buckets.update',
  DELETE: 'buckets.delete',
};
const BUCKET_PARTS: Record<string, Operation> = {
  storageLayout: 'buckets.getStorageLayout',
  managedFolders: 'managedFolders.list',
  notificationConfigs: 'notifications.list',
};
const OBJECT_METHODS: Record<string, Operation> = {
  GET: 'objects.get',
  HEAD: 'objects.get',
  PATCH: 'objects.patch',
  PUT: 'objects.update',
  DELETE: 'objects.delete',
};

/**
 * @param path still percent-encoded, so that a slash in a name is not taken for one of the path
 * @returns undefined for what no operation is
 * @throws ApiError 400 on broken percent-encoding
 */
export function route(request: IncomingMessage, path: string, query: URLSearchParams): Route | undefined {
  const method = request.method ?? '';
  const match =
    objectRoute(method, path, query) ??
    transferRoute(method, path) ??
    uploadRoute(request, path, query) ??
    bucketRoute(method, path) ??
    signedRoute(method, path, query);
  return match && { target: { bucket: '', name: '' }, ...match };
}

function objectRoute(method: string, path: string, query: URLSearchParams): Match | undefined {
  const [, download, bucket, name] = OBJECT.exec(path) ?? [];
  if (bucket === undefined || name === undefined) return undefined;
  const target = { bucket: decode(bucket), name: decode(name) };
  if ((method === 'GET' || method === 'HEAD') && (download !== undefined || query.get('alt') === 'media')) {
    return { operation: 'objects.getMedia', target };
  }
  const operation = OBJECT_METHODS[method];
  return operation && { operation, target };
}

/** The path style of the XML API, for who comes with a signed URL. */
function signedRoute(method: string, path: string, query: URLSearchParams): Match | undefined {
  if ((method !== 'GET' && method !== 'HEAD') || !query.has('X-Goog-Signature')) return undefined;
  const [, bucket, name] = XML_OBJECT.exec(path) ?? [];
  if (bucket === undefined || name === undefined) return undefined;
  const target = { bucket: decode(bucket), name: decode(name) };
  return { operation: 'objects.getMedia', target, signed: true };
}

function transferRoute(method: string, path: string): Match | undefined {
  if (method !== 'POST') return undefined;
  const [, bucket, name, verb, toBucket, toName] = TRANSFER.exec(path) ?? [];
  if (bucket !== undefined && name !== undefined && toBucket !== undefined && toName !== undefined) {
    return {
      operation: verb === 'copyTo' ? 'objects.copy' : 'objects.rewrite',
      target: { bucket: decode(bucket), name: decode(name) },
      destination: { bucket: decode(toBucket), name: decode(toName) },
    };
  }
  const [, composeBucket, composeName] = COMPOSE.exec(path) ?? [];
  if (composeBucket === undefined || composeName === undefined) return undefined;
  return {
    operation: 'objects.compose',
    target: { bucket: decode(composeBucket), name: decode(composeName) },
  };
}

function uploadRoute(request: IncomingMessage, path: string, query: URLSearchParams): Match | undefined {
  const [, bucket] = UPLOAD.exec(path) ?? [];
  if (bucket === undefined) return undefined;
  const method = request.method ?? '';
  const target = { bucket: decode(bucket), name: query.get('name') ?? '' };
  const session = query.get('upload_id');
  if (session === null) {
    if (method !== 'POST') return undefined;
    const resumable = query.get('uploadType') === 'resumable';
    return { operation: resumable ? 'resumable.start' : 'objects.insert', target };
  }
  if (method === 'DELETE') return { operation: 'resumable.cancel', target, session };
  if (method !== 'PUT' && method !== 'POST') return undefined;
  const asks = /^bytes \*\//.test(request.headers['content-range'] ?? '');
  return { operation: asks ? 'resumable.query' : 'resumable.chunk', target, session };
}

function bucketRoute(method: string, path: string): Match | undefined {
  if (path === '/storage/v1/b') {
    if (method === 'GET') return { operation: 'buckets.list' };
    return method === 'POST' ? { operation: 'buckets.insert' } : undefined;
  }
  const [, listed] = OBJECTS.exec(path) ?? [];
  if (listed !== undefined) {
    return method === 'GET' ? { operation: 'objects.list', target: bucketTarget(listed) } : undefined;
  }
  const [, bucket, part] = BUCKET.exec(path) ?? [];
  if (bucket === undefined) return undefined;
  const target = bucketTarget(bucket);
  if (part !== undefined) {
    const operation = BUCKET_PARTS[part];
    return method === 'GET' && operation ? { operation, target } : undefined;
  }
  const operation = BUCKET_METHODS[method];
  return operation && { operation, target };
}

const bucketTarget = (bucket: string): Target => ({ bucket: decode(bucket), name: '' });

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid('Invalid percent-encoding');
  }
}
