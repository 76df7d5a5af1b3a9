/** Bytes: small enough that a bar moves on a slow line, large enough not to matter on a fast one. */
const PIECE = 64 * 1024;
/**
 * One request. Who wants to see its body go out gets a stream that counts; browsers stream no request bodies over
 * HTTP/1.1, so there it is XMLHttpRequest that tells.
 */
export function send(fetcher, url, sending) {
    const { method, headers, body, signal, onSent } = sending;
    if (!body || !onSent || body.length === 0) {
        return fetcher(url, { method, headers, signal, ...(body && { body }) });
    }
    if (browserRequest())
        return sendVisibly(url, { ...sending, body, onSent });
    const length = { 'content-length': String(body.length) };
    return fetcher(url, {
        method,
        headers: { ...headers, ...length },
        signal,
        body: counted(body, onSent),
        duplex: 'half',
    });
}
function counted(body, onSent) {
    let sent = 0;
    const pull = (controller) => {
        onSent(sent);
        if (sent === body.length)
            return controller.close();
        const piece = body.subarray(sent, sent + PIECE);
        sent += piece.length;
        controller.enqueue(piece);
    };
    return new ReadableStream({ pull }, { highWaterMark: 0 });
}
function browserRequest() {
    return globalThis.XMLHttpRequest;
}
function sendVisibly(url, { method, headers, body, signal, onSent }) {
    const Request = browserRequest();
    if (!Request)
        throw new Error('there is no XMLHttpRequest');
    return new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const request = new Request();
        const abort = () => request.abort();
        request.open(method, url);
        for (const [name, value] of Object.entries(headers))
            request.setRequestHeader(name, value);
        request.responseType = 'arraybuffer';
        request.upload.onprogress = ({ loaded }) => onSent(loaded);
        const settled = (settle) => () => {
            signal.removeEventListener('abort', abort);
            settle();
        };
        request.onload = settled(() => resolve(responseOf(request)));
        request.onerror = settled(() => reject(new TypeError('the connection broke')));
        request.onabort = settled(() => reject(signal.reason));
        signal.addEventListener('abort', abort, { once: true });
        request.send(body);
    });
}
function responseOf(request) {
    const { status, statusText, response } = request;
    const headers = new Headers();
    for (const line of request.getAllResponseHeaders().trim().split(/\r\n/)) {
        const [name, ...value] = line.split(':');
        if (name)
            headers.append(name, value.join(':').trim());
    }
    return new Response(status === 204 ? null : response, { status, statusText, headers });
}
