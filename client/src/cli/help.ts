import { DEFAULT_URL } from './connect.ts';

type Entry = readonly [term: string, text: string];

export const SUMMARY = 'Share files, which are scanned for malware before anyone can download them.';

export const FIRST_STEPS = `Begin with:
  export FILESHARE_URL=https://fileshare.example.org       or, without a load balancer,
  export FILESHARE_UPLOAD_URL=https://… FILESHARE_FILES_URL=https://…
  fileshare login --issuer https://… --client-id …         or, with a token of your identity provider,
  export FILESHARE_TOKEN=...
  fileshare upload report.pdf --wait   prints the ID of the file once it is clean
  fileshare share ID org:974652269     lets somebody else download it
  fileshare download ID

Against \`npm start\`, which runs the whole service on your machine:
  export FILESHARE_TOKEN=$(fileshare token)`;

export const ENVIRONMENT: readonly Entry[] = [
  ['FILESHARE_URL', `URL of the service (${DEFAULT_URL})`],
  ['FILESHARE_UPLOAD_URL', 'URL of the upload function, in place of FILESHARE_URL'],
  ['FILESHARE_FILES_URL', 'URL of the files function, in place of FILESHARE_URL'],
  ['FILESHARE_TOKEN', 'bearer token'],
  ['FILESHARE_TOKEN_FILE', 'file with the bearer token, read before each request'],
  ['FILESHARE_PROFILE', 'profile with the settings and the login to use (default)'],
  ['FILESHARE_CLIENT_SECRET', 'for login: the client secret'],
  ['FILESHARE_OTHER_TOKEN', 'for verify: the token of a second principal'],
  ['FILESHARE_SWEEPER_URL', 'for admin: URL of the sweeper'],
  ['FILESHARE_OPERATOR_TOKEN', 'for admin: an identity token, or FILESHARE_OPERATOR_TOKEN_FILE with one'],
  ['FILESHARE_PUBSUB_TOKEN', 'for --subscription: gcloud auth print-access-token'],
  ['PUBSUB_EMULATOR_HOST', "for --subscription: an emulator in place of Google's Pub/Sub"],
  ['NO_COLOR', 'if it is set, print no colours'],
];

export const EXIT_CODES: readonly Entry[] = [
  ['0', 'done; with --wait, clean'],
  ['2', 'wrong usage'],
  ['3', 'infected'],
  ['4', 'could not be scanned'],
  ['5', 'failed, or an error occurred'],
  ['6', 'no verdict yet, or none in time'],
  ['7', 'not allowed, not logged in, or file not found'],
  ['130', 'interrupted'],
];

export const FILES: readonly Entry[] = [
  ['$XDG_CONFIG_HOME/hops-fileshare/config.json', 'profiles; ~/.config without the variable'],
  ['$XDG_STATE_HOME/hops-fileshare', 'tokens, and uploads under way; ~/.local/state without the variable'],
];

/** Follows the options and commands in the help. */
export function epilogue(): string {
  const table = (entries: readonly Entry[], width: number) =>
    entries.map(([term, text]) => `  ${term.padEnd(width)}  ${text}`).join('\n');
  return `
Environment:
${table(ENVIRONMENT, 24)}

Exit codes:
${table(EXIT_CODES, 3)}

  eval "$(fileshare completion bash)"  completes commands and options; also zsh and fish`;
}
