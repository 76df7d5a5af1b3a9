import { button, element, whileBusy } from './element.ts';
import type { TrackedFile } from './tracked-file.ts';
import { saying } from './words.ts';

/** Raster images that browsers decode: no text of one is ever run, or fetches anything. */
const TYPES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const MAX_BYTES = 4 * 1024 * 1024;
/** Longest side; pixels. */
const SIDE = 320;

/**
 * A small picture of a clean image, in its opened row. It is a download as any other: a receipt says so. Owners have it shown at once,
 * others ask for it.
 */
export class Thumbnail {
  readonly element = element('div', { class: 'thumbnail' });
  readonly #file: TrackedFile;
  readonly #show = button('Show picture', () => void whileBusy(this.#show, () => this.#load()));
  readonly #problem = element('p', { class: 'hint' });
  /** Content that is shown, or was tried. */
  #loaded: string | undefined;

  constructor(file: TrackedFile) {
    this.#file = file;
  }

  show(): void {
    const { handle, session } = this.#file;
    const { state, contentType = '', size = 0, sha256 } = handle ?? {};
    const isImage = state === 'clean' && TYPES.has(contentType) && size <= MAX_BYTES;
    this.element.hidden = !isImage;
    // Nothing stays of what is no longer handed out.
    if (!isImage) this.#loaded = undefined;
    if (!isImage) this.element.replaceChildren();
    if (!isImage || this.#loaded === sha256) return;
    if (handle?.owner === session.principal) void this.#load();
    else this.element.replaceChildren(this.#show);
  }

  async #load(): Promise<void> {
    const { id = '', handle, session, name } = this.#file;
    const sha256 = handle?.sha256;
    this.#loaded = sha256;
    try {
      const { stream } = await session.fileshare.download(id);
      const bitmap = await shrunk(await new Response(stream).blob());
      const { width, height } = bitmap;
      const canvas = element('canvas', {
        role: 'img',
        'aria-label': `Picture: ${name}`,
        width: `${width}`,
        height: `${height}`,
      });
      canvas.getContext('bitmaprenderer')?.transferFromImageBitmap(bitmap);
      if (this.#loaded === sha256) this.#replace(canvas);
      // No event tells owners of the receipt of their download.
      await this.#file.refresh();
    } catch (error) {
      this.#problem.textContent = `No picture. ${saying(error)}`;
      if (this.#loaded === sha256) this.#replace(this.#problem);
    }
  }

  /** Shows it in place of the button, which may have the focus. */
  #replace(shown: HTMLElement): void {
    const hadFocus = this.element.contains(document.activeElement);
    this.element.replaceChildren(shown);
    if (!hadFocus) return;
    shown.tabIndex = -1;
    shown.focus();
  }
}

/** @throws where it is no image */
async function shrunk(image: Blob): Promise<ImageBitmap> {
  const whole = await createImageBitmap(image);
  const { width, height } = whole;
  const scale = Math.min(1, SIDE / width, SIDE / height);
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  const size = { resizeWidth: side(width), resizeHeight: side(height) } as const;
  try {
    return await createImageBitmap(whole, { ...size, resizeQuality: 'medium' });
  } finally {
    whole.close();
  }
}
