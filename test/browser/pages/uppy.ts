/** Does as an application that has Uppy and knows nothing of this service but its tus endpoint. */
import Uppy from '@uppy/core';
import Tus from '@uppy/tus';

interface Wanted {
  readonly token: string;
  readonly chunkSize: number;
}

Object.assign(window, {
  async send(file: File, { token, chunkSize }: Wanted): Promise<string | undefined> {
    const uppy = new Uppy().use(Tus, {
      endpoint: '/uploads',
      chunkSize,
      headers: { authorization: `Bearer ${token}` },
    });
    uppy.addFile({ name: file.name, type: file.type, data: file });
    const result = await uppy.upload();
    const [failed] = result?.failed ?? [];
    if (failed) throw new Error(failed.error ?? 'it failed, and does not say why');
    return result?.successful?.[0]?.uploadURL;
  },
});
