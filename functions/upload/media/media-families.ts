/** Types that are names of one format, or are told apart only by what comes after the first bytes. */
const FAMILIES: readonly ReadonlySet<string>[] = [
  ['image/jpeg', 'image/jpg', 'image/pjpeg'],
  ['image/png', 'image/apng', 'image/x-png', 'image/vnd.mozilla.apng'],
  ['image/bmp', 'image/x-bmp', 'image/x-ms-bmp'],
  ['image/x-icon', 'image/vnd.microsoft.icon'],
  ['image/jp2', 'image/jpx', 'image/jpm', 'image/mj2'],
  ['image/heic', 'image/heif', 'image/heic-sequence', 'image/heif-sequence', 'image/avif'],
  ['audio/mpeg', 'audio/mp3', 'audio/x-mpeg', 'audio/x-mp3'],
  ['audio/wav', 'audio/x-wav', 'audio/wave', 'audio/vnd.wave'],
  ['audio/flac', 'audio/x-flac'],
  ['audio/aac', 'audio/x-aac', 'audio/aacp'],
  ['audio/aiff', 'audio/x-aiff'],
  ['audio/midi', 'audio/mid', 'audio/x-midi'],
  ['audio/ogg', 'video/ogg', 'application/ogg', 'audio/opus', 'audio/vorbis', 'audio/x-opus+ogg'],
  ['video/matroska', 'video/x-matroska', 'audio/matroska', 'audio/x-matroska', 'video/webm', 'audio/webm'],
  [
    ...['video/mp4', 'audio/mp4', 'audio/x-m4a', 'audio/m4a', 'video/x-m4v', 'application/mp4'],
    ...['video/quicktime', 'video/3gpp', 'audio/3gpp', 'video/3gpp2', 'audio/3gpp2'],
  ],
  ['video/vnd.avi', 'video/x-msvideo', 'video/avi', 'video/msvideo'],
  ['video/mpeg', 'video/mp1s', 'video/mp2p', 'video/mp2t', 'audio/mpeg'],
  [
    ...['application/vnd.ms-asf', 'video/x-ms-asf', 'audio/x-ms-asf', 'video/x-ms-wmv', 'audio/x-ms-wma'],
    'video/x-ms-wm',
  ],
  ['application/pdf', 'application/x-pdf', 'application/illustrator', 'application/vnd.adobe.illustrator'],
  ['application/postscript', 'application/eps', 'image/x-eps', 'application/illustrator'],
  ['application/zip', 'application/x-zip-compressed', 'application/x-zip', 'multipart/x-zip'],
  ['application/gzip', 'application/x-gzip', 'application/x-tgz', 'application/x-compressed-tar'],
  ['application/x-bzip2', 'application/x-bzip', 'application/bzip2'],
  ['application/x-tar', 'application/tar', 'application/x-gtar', 'application/x-ustar'],
  ['application/x-rar-compressed', 'application/vnd.rar', 'application/x-rar'],
  ['application/x-xz', 'application/xz'],
  ['application/zstd', 'application/x-zstd'],
  ['application/rtf', 'text/rtf', 'application/x-rtf', 'application/msword'],
  ['application/dicom', 'image/dicom', 'application/dicom+octet-stream'],
  ['application/x-sqlite3', 'application/vnd.sqlite3'],
  [
    ...['application/x-msdownload', 'application/vnd.microsoft.portable-executable'],
    ...['application/x-dosexec', 'application/x-msdos-program'],
  ],
  ['font/ttf', 'font/otf', 'font/sfnt', 'application/x-font-ttf', 'application/x-font-otf'],
  ['font/woff', 'application/font-woff', 'application/x-font-woff'],
  ['text/calendar', 'application/ics'],
  ['text/vcard', 'text/x-vcard', 'text/directory'],
].map((types) => new Set(types));

/** The format that another type is written in: the first bytes may show no more than the container. */
const CONTAINERS: ReadonlyMap<string, RegExp> = new Map([
  [
    'application/zip',
    /\+zip$|\/vnd\.(openxmlformats-officedocument|oasis\.opendocument|sun\.xml|apple|google-earth\.kmz|ms-[a-z]+\.[a-z.]*macroenabled|ms-xpsdocument|visio|android\.package|etsi\.asic)|\/(java-archive|x-java-archive|x-xpinstall|oxps|3mf|x-zip-compressed)/,
  ],
  [
    'application/x-cfb',
    /^application\/(msword|vnd\.ms-|vnd\.visio|x-msi|x-ole-storage|vnd\.sketchup|msproject|x-hwp|vnd\.openxmlformats-officedocument)/,
  ],
  [
    'image/tiff',
    /^image\/(x-(canon|nikon|sony|adobe|olympus|panasonic|epson|pentax|samsung|dcraw)|dng|tiff-fx)/,
  ],
  ['application/gzip', /\+gzip$|^(application\/(x-tar|x-gtar|dicom)|image\/svg\+xml|image\/nii)/],
]);

/** Whether bytes of the type `found` may well be what somebody calls `declared`; both without parameters. */
export function areCompatible(declared: string, found: string): boolean {
  return (
    declared === found ||
    FAMILIES.some((family) => family.has(declared) && family.has(found)) ||
    isWithin(found, declared) ||
    isWithin(declared, found)
  );
}

function isWithin(container: string, type: string): boolean {
  return CONTAINERS.get(container)?.test(type) ?? false;
}
