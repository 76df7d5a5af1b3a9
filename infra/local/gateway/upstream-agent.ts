import { Agent, type ClientRequestArgs } from 'node:http';
import { Socket, type TcpNetConnectOpts } from 'node:net';

type Done = (error?: Error | null) => void;

/**
 * A socket on which a failed write is not the end. A server that has refused a body and closed makes the next
 * write fail while its answer waits to be read, and Node would throw that answer away. Where there is none, the
 * read fails as well, and that is the end.
 */
class AnswerFirstSocket extends Socket {
  override _write(chunk: Buffer, encoding: BufferEncoding, done: Done): void {
    super._write(chunk, encoding, () => done());
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: Done): void {
    super._writev?.(chunks, () => done());
  }
}

/** Connections to the functions. */
export class UpstreamAgent extends Agent {
  override createConnection(options: ClientRequestArgs): Socket {
    return new AnswerFirstSocket(options).connect(options as TcpNetConnectOpts);
  }
}
