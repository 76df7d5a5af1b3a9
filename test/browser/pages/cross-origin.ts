/** Does as an application on another origin than the service: with our client, with tus-js-client, and with Uppy. */
import Uppy from '@uppy/core';
import UppyTus from '@uppy/tus';
import { Upload } from 'tus-js-client';
import { Fileshare } from '../../../client/src/index.ts';

interface Wanted {
  readonly addresses: { readonly uploadUrl: string; readonly filesUrl: string };
  readonly token: string;
  readonly size: number;
}

const CHUNK = 1024 * 1024;

function fileOf(size: number): File {
  return new File([new Uint8Array(size).map((_, at) => at % 251)], 'måling.bin', {
    type: 'application/x-scan',
  });
}

function idOf(url: string | null | undefined): string {
  return url?.split('/').at(-1) ?? '';
}

Object.assign(window, {
  async client(via: 'post' | 'tus' | 'direct', { addresses, token, size }: Wanted): Promise<string> {
    const fileshare = new Fileshare({ ...addresses, token, chunkSize: CHUNK, retries: 0 });
    return (await fileshare.upload(fileOf(size), { via })).id;
  },

  tus({ addresses, token, size }: Wanted): Promise<string> {
    const file = fileOf(size);
    return new Promise((resolve, reject) => {
      const upload = new Upload(file, {
        endpoint: `${addresses.uploadUrl}/uploads`,
        chunkSize: CHUNK,
        retryDelays: null,
        headers: { authorization: `Bearer ${token}` },
        metadata: { filename: file.name, filetype: file.type },
        onSuccess: () => resolve(idOf(upload.url)),
        onError: reject,
      });
      upload.start();
    });
  },

  async uppy({ addresses, token, size }: Wanted): Promise<string> {
    const uppy = new Uppy().use(UppyTus, {
      endpoint: `${addresses.uploadUrl}/uploads`,
      chunkSize: CHUNK,
      retryDelays: [],
      headers: { authorization: `Bearer ${token}` },
    });
    const file = fileOf(size);
    uppy.addFile({ name: file.name, type: file.type, data: file });
    const result = await uppy.upload();
    const [failed] = result?.failed ?? [];
    if (failed) throw new Error(failed.error ?? 'it failed, and does not say why');
    return idOf(result?.successful?.[0]?.uploadURL);
  },

  /** The state of a file, and what its download looks like. */
  async download(id: string, { addresses, token }: Wanted) {
    const fileshare = new Fileshare({ ...addresses, token, retries: 0 });
    const { state } = await fileshare.wait(id, { timeout: 60 });
    const { fileName, contentType, sha256, bytes } = await fileshare.download(id).then(async (download) => ({
      ...download,
      bytes: await download.bytes(),
    }));
    const isSame = bytes.every((byte, at) => byte === at % 251);
    return { state, fileName, contentType, hasDigest: sha256 !== undefined, size: bytes.length, isSame };
  },

  /** The code of the problem that the service answers an upload without a good token with. */
  refused({ addresses }: Wanted): Promise<string> {
    const fileshare = new Fileshare({ ...addresses, token: 'none', retries: 0 });
    return fileshare.upload(new Blob(['a'])).then(
      () => 'accepted',
      (error: { name: string; code?: string }) => [error.name, error.code].join(' '),
    );
  },
});
