import * as https from 'node:https';
import type { NetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Not imported: an import of `node:http` reads all that it exports, `WebSocket` among it, for which Node then loads its
 * fetch. That is a tenth of a cold start, and nothing here needs it before the first request.
 */
export const http = process.getBuiltinModule('node:http');
type Agent = InstanceType<typeof http.Agent>;

/** The size of Node's reads into its own memory. */
const READ_BYTES = 64 * 1024;

/**
 * Connections that are kept, each of which reads into one buffer that it keeps too. Node would take a new one for each
 * read, beside the copy that its parser makes of the body in it, and leave both to the garbage collector (docs/adr/0023).
 */
export function keptConnections(secure: boolean): Agent {
  const options = { keepAlive: true, maxFreeSockets: 64 };
  return secure ? new (reading(https.Agent))(options) : new (reading(http.Agent))(options);
}

function reading(Base: typeof http.Agent) {
  return class extends Base {
    override createConnection(...[options, created]: Parameters<Agent['createConnection']>): Duplex {
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
      // Node's parser is done with what it is handed when the event is over.
      const callback = (length: number): boolean => {
        socket.emit('data', buffer.subarray(0, length));
        // A caller that wants less sets `pause`. Where nobody listens, the end of the connection still has to be seen.
        return true;
      };
      const onread: NonNullable<NetConnectOpts['onread']> = { buffer, callback };
      const socket = super.createConnection(Object.assign({}, options, { onread }), created) as Duplex;
      return socket;
    }
  };
}
