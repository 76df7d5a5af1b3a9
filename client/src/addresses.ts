/** Where a deployment is: one address behind a load balancer, or those of its upload and its files function. */
export type Addresses =
  | {
      /** URL of both, such as `https://fileshare.example.org`. */
      readonly url: string | URL;
      readonly uploadUrl?: undefined;
      readonly filesUrl?: undefined;
    }
  | {
      readonly url?: undefined;
      /** URL of the function that takes uploads. */
      readonly uploadUrl: string | URL;
      /** URL of the function that answers everything else. */
      readonly filesUrl: string | URL;
    };

/** Both addresses, without trailing slashes. */
export interface Hosts {
  readonly upload: string;
  readonly files: string;
}

/** @throws {TypeError} where there is neither one address nor two */
export function hostsOf({ url, uploadUrl = url, filesUrl = url }: Addresses): Hosts {
  if (uploadUrl === undefined || filesUrl === undefined)
    throw new TypeError('Give url, or uploadUrl and filesUrl.');
  return { upload: withoutSlash(uploadUrl), files: withoutSlash(filesUrl) };
}

/** Which of the two serves a request: the upload function creates files, and has everything about uploads. */
export function hostOf(hosts: Hosts, method: string, path: string): string {
  const uploads = /^\/uploads(?:[/?]|$)/.test(path) || (method === 'POST' && path === '/files');
  return uploads ? hosts.upload : hosts.files;
}

/** The last segment of a Location: the id. Its host is not asked; requests go to the two that were configured. */
export function idIn(location: string): string {
  const { pathname } = new URL(location, 'http://host');
  return pathname.slice(pathname.lastIndexOf('/') + 1);
}

function withoutSlash(url: string | URL): string {
  return String(url).replace(/\/+$/, '');
}
