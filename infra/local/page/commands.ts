import { PULL_PATH } from '../events/scan-events.ts';

/** One thing to try, in lines for any POSIX shell. */
export interface Command {
  readonly does: string;
  readonly lines: readonly string[];
}

/** Commands to paste into a terminal while the platform runs at `url`. */
export function commands(url: string, pubsubHost: string): readonly Command[] {
  const auth = `-H "Authorization: Bearer $TOKEN"`;
  const upload = `curl -s -D - -o /dev/null ${auth} -H 'Content-Type: text/plain' --data-binary @- ${url}/files`;
  const location = `| tr -d '\\r' | sed -n 's/^[Ll]ocation: *//p'`;
  const waiting = `curl -s -w '\\n' ${auth} -H 'Prefer: wait=10' $FILE/status`;
  return [
    {
      does: 'Get a token (good for an hour)',
      lines: [`TOKEN=$(curl -s '${url}/local/token?principal=org:889640782')`],
    },
    { does: 'Upload a text file', lines: [`FILE=$(printf 'Hello\\n' | ${upload} ${location})`] },
    { does: 'Wait for its verdict', lines: [waiting] },
    { does: 'Download it', lines: [`curl -s ${auth} $FILE`] },
    {
      does: 'Upload the EICAR test file, which is harmless and found as malware',
      // In two parts, so that no scanner takes this text itself for the test file.
      lines: [
        `FILE=$(printf '%s%s' 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-' 'STANDARD-ANTIVIRUS-TEST-FILE!$H+H*' | ${upload} ${location})`,
        waiting,
      ],
    },
    {
      does: 'See the events (not acknowledged, so that they come again)',
      lines: [
        `curl -s -X POST -H 'Content-Type: application/json' -d '{"maxMessages": 10}' http://${pubsubHost}${PULL_PATH} | ` +
          `tr ',{}' '\\n\\n\\n' | sed -n 's/.*"data": *"\\([^"]*\\)".*/\\1/p' | while read -r DATA; do printf '%s' "$DATA" | base64 -d; echo; done`,
      ],
    },
  ];
}
