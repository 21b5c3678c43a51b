/** Options of {@link meteredFetch}. */
export interface MeteredFetchOptions {
  /** Timeout in milliseconds for a request whose body makes no progress. Default 30,000. */
  readonly stallMs?: number | undefined;
}

/**
 * A `fetch` that counts the bytes of request bodies as they are sent. For the option `fetch` of `s3Store` and
 * `presignedTarget`, and the option `meter` of `spoolSink` and `resumeUpload`.
 */
export interface MeteredFetch {
  (request: Request): Promise<Response>;
  /** Bytes sent of all bodies in transfer. */
  readonly inFlight: number;
  /** Calls `listener` whenever `inFlight` changes. @returns a function that removes the listener */
  listen(listener: () => void): () => void;
}

/**
 * Makes a fetch that reports upload progress and ends stalled requests: they fail like requests without a response, which
 * targets retry. Sends bodies by XMLHttpRequest, because fetch has no upload progress; in service workers, which lack it, by
 * fetch.
 *
 * @example
 * const meter = meteredFetch();
 * const sink = spoolSink(presignedTarget(sign, { fetch: meter }), { meter, onProgress });
 */
export function meteredFetch(options: MeteredFetchOptions = {}): MeteredFetch {
  const { stallMs = 30_000 } = options;
  const transfers = new Map<Request, number>();
  const listeners = new Set<() => void>();
  const record = (request: Request, sent: number | undefined): void => {
    if (sent === undefined) transfers.delete(request);
    else transfers.set(request, sent);
    for (const listener of listeners) listener();
  };
  const send = async (request: Request): Promise<Response> => {
    if (request.body === null || typeof XMLHttpRequest === "undefined") return globalThis.fetch(request);
    const body = await request.blob();
    try {
      return await sendBody(request, body, stallMs, (sent) => record(request, sent));
    } finally {
      record(request, undefined);
    }
  };
  return Object.defineProperties(send, {
    inFlight: { get: () => [...transfers.values()].reduce((sum, sent) => sum + sent, 0) },
    listen: {
      value(listener: () => void): () => void {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  }) as MeteredFetch;
}

function sendBody(
  { url, method, headers, signal, credentials }: Request,
  body: Blob,
  stallMs: number,
  onSent: (bytes: number) => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const xhr = new XMLHttpRequest();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      outcome();
    };
    const cancel = (reason: unknown): void => {
      settle(() => reject(reason));
      xhr.abort();
    };
    const abort = (): void => cancel(signal.reason);
    const restartTimer = (): void => {
      clearTimeout(timer);
      timer = setTimeout(
        () => cancel(new TypeError(`The upload made no progress for ${stallMs} ms.`)),
        stallMs,
      );
    };
    xhr.open(method, url);
    xhr.responseType = "arraybuffer";
    xhr.withCredentials = credentials === "include";
    headers.forEach((value, name) => {
      xhr.setRequestHeader(name, value);
    });
    xhr.upload.onprogress = ({ loaded }) => {
      restartTimer();
      onSent(loaded);
    };
    // The body is sent. The caller decides how long the server may take to respond.
    xhr.upload.onload = () => clearTimeout(timer);
    xhr.onload = () =>
      settle(() => {
        const { status } = xhr;
        const bodiless = status === 204 || status === 205 || status === 304;
        resolve(
          new Response(bodiless ? null : (xhr.response as ArrayBuffer), {
            status,
            headers: responseHeaders(xhr),
          }),
        );
      });
    // Browsers do not tell the reason, neither by fetch nor by XMLHttpRequest.
    xhr.onerror = () => settle(() => reject(new TypeError("The request failed.")));
    xhr.onabort = () => settle(() => reject(new TypeError("The request was aborted.")));
    signal.addEventListener("abort", abort);
    restartTimer();
    xhr.send(body);
  });
}

function responseHeaders(xhr: XMLHttpRequest): Headers {
  const headers = new Headers();
  for (const line of xhr.getAllResponseHeaders().split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}
