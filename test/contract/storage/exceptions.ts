import type { Exceptions } from '../cases.ts';
import type { EndpointKind } from './subject.ts';

/** Lines are those of https://github.com/googleapis/storage-testbench at commit e8c8507. */
const TESTBENCH: Exceptions = {
  'client: keeps what is held': 'holds are stored and not enforced (testbench/database.py:491)',
  'client: lists in pages': 'maxResults is ignored (testbench/database.py:341)',
  'upload: has an id, a storage class and links':
    'ids have another form (testbench/proto2rest.py:304), and there are no links',
  'upload: keeps the Content-Type of a simple upload': 'the header is not read (gcs/object.py:207)',
  'upload: names the size of an empty object':
    'JSON of Protocol Buffers leaves out zeros (testbench/proto2rest.py)',
  'upload: takes a multipart upload with bare LF lines, as gcloud sends':
    'only CRLF is understood (testbench/common.py:286)',
  'upload: takes a media part without headers, as rclone sends':
    'a media part without Content-Type is a 500 (testbench/common.py:307)',
  'upload: refuses parts whose content types differ with 400': 'answers 412 (gcs/object.py:232)',
  'upload: refuses a multipart body that ends early, and keeps nothing':
    'the closing delimiter may be cut short (testbench/common.py:295)',
  'upload: refuses a wrong CRC32C in the header, and keeps nothing':
    'x-goog-hash is read for resumable uploads only (gcs/object.py:222)',
  'upload: refuses a wrong checksum with 400': 'answers 412 (gcs/object.py:119)',
  'upload: refuses names that are not allowed': 'takes any name (gcs/object.py:207)',
  'resumable: refuses a chunk that is no multiple of 256 KiB and not the last':
    'takes chunks of any size (testbench/rest_server.py:1058)',
  'resumable: answers under the alias /resumable/upload, as gcloud and gsutil ask':
    'has no such path (testbench/rest_server.py:1250)',
  'resumable: refuses a gap': 'does not compare offsets with what is there (testbench/rest_server.py:1190)',
  'resumable: refuses more bytes than announced':
    'compares the announced size with Content-Range alone (testbench/rest_server.py:1146)',
  'resumable: checks preconditions when a session is opened':
    'checks them at the end only (gcs/upload.py:128)',
  'resumable: lets a browser of any origin use a session': 'knows no CORS',
  'object: turns numbers in custom metadata into strings': 'answers 500 (gcs/object.py:331)',
  'object: refuses more than 8 KiB of custom metadata': 'has no limit (gcs/object.py:325)',
  'object: answers 412 to a PATCH with ifGenerationNotMatch=its generation':
    'answers 304 to writes too (testbench/error.py:123)',
  'object: answers 204 to a deletion': 'answers 200 (testbench/rest_server.py:569)',
  'object: keeps what is held': 'holds are stored and not enforced (testbench/database.py:491)',
  'object: refuses a body that is not JSON': 'answers 500 (gcs/object.py:331)',
  'object: names the reason of a refusal': 'errors have no reason (testbench/error.py:52)',
  'media: tells etag, Cache-Control and Accept-Ranges': 'sends none of them (gcs/object.py:496)',
  'media: answers 206 and exactly the range to Range: bytes=-99999999':
    'counts from before the start (gcs/object.py:490)',
  'media: tells the size with a 416': 'sends no Content-Range (testbench/error.py:157)',
  'media: ignores a range of another unit': 'answers 206 with everything (gcs/object.py:644)',
  'media: answers the bare message to a refusal': 'answers JSON (testbench/error.py:29)',
  "rewrite: copies bytes and metadata when the body is 'null'": 'answers 500 (gcs/object.py:331)',
  'rewrite: copies bytes and metadata when the body is \'{"preconditionOpts":{}}\'':
    'answers 500 (gcs/object.py:333)',
  'rewrite: drops the metadata of the source when the body has metadata':
    'merges the two (testbench/rest_server.py:803)',
  'rewrite: refuses the token of another rewrite': 'does not compare them (testbench/rest_server.py:754)',
  'rewrite: refuses steps that are no multiple of 1 MiB': 'rounds them up (gcs/rewrite.py:40)',
  'compose: has no MD5, and counts its components':
    'composite objects are like others (testbench/rest_server.py:658)',
  'list: pages through names and prefixes without losing or repeating one':
    'maxResults is ignored (testbench/database.py:341)',
  'list: refuses a page token that it did not give': 'pageToken is ignored (testbench/database.py:341)',
};

/** Cases that an endpoint is known not to pass. Cases that were never run have none. */
export const EXCEPTIONS: Readonly<Record<EndpointKind, Exceptions>> = {
  emulator: {},
  testbench: TESTBENCH,
  google: {},
  unknown: {},
};
