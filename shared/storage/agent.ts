import * as https from 'node:https';
import type { NetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Loaded lazily: importing `node:http` touches all its exports, including `WebSocket`, for which Node loads its fetch.
 * That is a tenth of a cold start.
 */
export const http = process.getBuiltinModule('node:http');
type Agent = InstanceType<typeof http.Agent>;

/** The size of Node's reads into its own memory. */
const READ_BYTES = 64 * 1024;

/**
 * Keep-alive connections, each with one reusable read buffer. Node would allocate one for each read, besides the copy
 * that its parser makes, and leave both to the garbage collector (docs/adr/0023).
 */
export function keptConnections(secure: boolean): Agent {
  const options = { keepAlive: true, maxFreeSockets: 64 };
  return secure ? new (reading(https.Agent))(options) : new (reading(http.Agent))(options);
}

function reading(Base: typeof http.Agent) {
  return class extends Base {
    override createConnection(...[options, created]: Parameters<Agent['createConnection']>): Duplex {
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
      // Node's parser does not use the buffer after the event.
      const callback = (length: number): boolean => {
        socket.emit('data', buffer.subarray(0, length));
        // Callers that want backpressure set `pause`. Without a listener, the end of the connection must still be
        // noticed.
        return true;
      };
      const onread: NonNullable<NetConnectOpts['onread']> = { buffer, callback };
      const socket = super.createConnection(Object.assign({}, options, { onread }), created) as Duplex;
      return socket;
    }
  };
}
