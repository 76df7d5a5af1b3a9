import { replyAfterStream, replyEarly, silent } from '../shared/scanning/hostile.ts';
import type { Behaviour } from './gate.ts';

/** Replies to a whole stream, and breaks the connection in place of ending it. */
function thenReset(reply: string): Behaviour {
  return (socket) => {
    replyAfterStream(reply)(socket);
    socket.prependOnceListener('end', () => socket.resetAndDestroy());
  };
}

/** Says more with the end of the connection. */
function thenMore(first: string, second: string): Behaviour {
  return (socket) => {
    replyAfterStream(first)(socket);
    // Before the end that comes with it, after which nothing could be sent.
    socket.prependOnceListener('end', () => socket.end(second));
  };
}

/** Replies in place of clamd's, by name. None of it may make a file clean. */
export const HOSTILE_REPLIES: readonly (readonly [name: string, behave: Behaviour])[] = [
  ['garbage', replyAfterStream('\u0001\u00ff\ufffd garbage\0')],
  ['a lie in lower case', replyAfterStream('stream: ok\0')],
  ['half a reply', replyAfterStream('stream: O')],
  ['half a reply and a reset', thenReset('stream: OK')],
  ['an empty reply', replyAfterStream('\0')],
  ['nothing, and closes', replyAfterStream('')],
  ['closes at once', (socket) => void socket.end()],
  ['resets at once', (socket) => void socket.resetAndDestroy()],
  ['resets after the stream', thenReset('')],
  ['TOKEN mismatch ERROR', replyAfterStream('TOKEN mismatch ERROR\0')],
  ['stream: BROKEN zip ERROR', replyAfterStream('stream: BROKEN zip ERROR\0')],
  ['UNKNOWN COMMAND', replyAfterStream('UNKNOWN COMMAND\0')],
  ['COMMAND READ TIMED OUT', replyAfterStream('COMMAND READ TIMED OUT\n')],
  ['no temporary space', replyAfterStream("stream: Can't write to file ERROR\0")],
  ['two replies', replyAfterStream('stream: OK\0stream: OK\0')],
  ['clean, then found', replyAfterStream('stream: OK\0stream: Eicar FOUND\0')],
  ['a reply in two packets that say more', thenMore('stream: OK\0', 'stream: OK\0')],
  ['newline framing', replyAfterStream('stream: OK\n')],
  ['a numbered reply', replyAfterStream('1: stream: OK\0')],
  ['OK and a word more', replyAfterStream('stream: OK, mostly\0')],
  ['OK for another', replyAfterStream('/tmp/other: OK\0')],
  ['a signature without a name', replyAfterStream('stream:  FOUND\0')],
  ['does not stop talking', replyAfterStream('stream: OK\0'.repeat(1_000))],
];

/** Said before all bytes were sent; the file has to be larger than what sockets buffer. */
export const EARLY_REPLIES: typeof HOSTILE_REPLIES = [
  ['OK before the stream ended', replyEarly('stream: OK\0')],
  ['an error before the stream ended', replyEarly('stream: Broken ERROR\0')],
  [
    'OK, and stops reading',
    (socket) => {
      socket.write('stream: OK\0');
      socket.pause();
    },
  ],
];

/** Each takes the scanner a whole deadline. */
export const SILENCES: typeof HOSTILE_REPLIES = [
  ['never answers', silent],
  ['never reads', (socket) => void socket.pause()],
];
