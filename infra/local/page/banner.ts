import { styleText } from 'node:util';
import { commands } from './commands.ts';

export const DEVELOPMENT_SIGNATURES = [
  'DEVELOPMENT SIGNATURES: only the EICAR test file and ClamAV’s own test files are detected.',
  'Not for real data. For a real database: CLAMAV_DATABASE_DIR=<folder> npm start',
] as const;

export interface BannerFacts {
  readonly url: string;
  readonly uploadUrl: string;
  readonly filesUrl: string;
  readonly pubsubHost: string;
  readonly storageUrl: string;
  readonly data: string;
  /** Time since the start, in ms. */
  readonly tookMs: number;
  readonly development: boolean;
}

/** The text that `npm start` prints when everything runs. */
export function banner(facts: BannerFacts): string {
  const { url, uploadUrl, filesUrl, pubsubHost, storageUrl, data, tookMs } = facts;
  const bold = (text: string) => styleText('bold', text);
  const seconds = (tookMs / 1000).toFixed(1);
  const warning = DEVELOPMENT_SIGNATURES.map((line) => styleText(['black', 'bgYellow'], ` ! ${line} `));
  const lines = [
    `${bold('HOPS Fileshare')} runs at ${bold(`${url}/`)} (ready in ${seconds} s; stop with Ctrl-C)`,
    '',
    ...(facts.development ? [...warning, ''] : []),
    'Paste these into another terminal:',
    ...commands(url, pubsubHost).flatMap(({ does, lines }) => ['', styleText('dim', `# ${does}`), ...lines]),
    '',
    `Two hosts, as without a load balancer: upload ${uploadUrl}   files ${filesUrl}`,
    `Cloud Storage ${storageUrl}   Pub/Sub ${pubsubHost}   data and logs ${data}`,
  ];
  return `\n${lines.join('\n')}\n`;
}
