/** How {@link meteredFetch} sends. */
export interface MeteredFetchOptions {
  /** A request is given up when no byte of its body has left for so long, in milliseconds. Default 30,000. */
  readonly stallMs?: number | undefined;
}

/**
 * Sends requests as fetch does, and tells how many bytes of their bodies have left: what `fetch` of `s3Store` and
 * `presignedTarget` takes, and `meter` of `spoolSink` and `resumeUpload`.
 */
export interface MeteredFetch {
  (request: Request): Promise<Response>;
  /** Bytes that have left of bodies that are under way. */
  readonly inFlight: number;
  /** Has `listener` called whenever that changes. @returns what takes it back */
  listen(listener: () => void): () => void;
}

/**
 * Makes a fetch that tells how far its uploads are, and gives up those that stall: a request that stalled fails like one
 * without an answer, and is made again by who retries. Bodies go by XMLHttpRequest, as fetch has no upload progress;
 * where there is none, in service workers, by fetch.
 *
 * @example
 * const meter = meteredFetch();
 * const sink = spoolSink(presignedTarget(sign, { fetch: meter }), { meter, onProgress });
 */
export function meteredFetch(options: MeteredFetchOptions = {}): MeteredFetch {
  const { stallMs = 30_000 } = options;
  const underWay = new Map<Request, number>();
  const listeners = new Set<() => void>();
  const note = (request: Request, sent: number | undefined): void => {
    if (sent === undefined) underWay.delete(request);
    else underWay.set(request, sent);
    for (const listener of listeners) listener();
  };
  const send = async (request: Request): Promise<Response> => {
    if (request.body === null || typeof XMLHttpRequest === "undefined") return globalThis.fetch(request);
    const body = await request.blob();
    try {
      return await sendBody(request, body, stallMs, (sent) => note(request, sent));
    } finally {
      note(request, undefined);
    }
  };
  return Object.defineProperties(send, {
    inFlight: { get: () => [...underWay.values()].reduce((sum, sent) => sum + sent, 0) },
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
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", leave);
      settle();
    };
    const giveUp = (reason: unknown): void => {
      end(() => reject(reason));
      xhr.abort();
    };
    const leave = (): void => giveUp(signal.reason);
    const alive = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => giveUp(new TypeError(`No byte has left for ${stallMs} ms.`)), stallMs);
    };
    xhr.open(method, url);
    xhr.responseType = "arraybuffer";
    xhr.withCredentials = credentials === "include";
    headers.forEach((value, name) => {
      xhr.setRequestHeader(name, value);
    });
    xhr.upload.onprogress = ({ loaded }) => {
      alive();
      onSent(loaded);
    };
    // All has left; how long the server may think is for the caller to say.
    xhr.upload.onload = () => clearTimeout(timer);
    xhr.onload = () =>
      end(() => {
        const { status } = xhr;
        const bodiless = status === 204 || status === 205 || status === 304;
        resolve(
          new Response(bodiless ? null : (xhr.response as ArrayBuffer), {
            status,
            headers: answerHeaders(xhr),
          }),
        );
      });
    // Messages of fetch and of XMLHttpRequest alike tell nothing of why.
    xhr.onerror = () => end(() => reject(new TypeError("The request failed.")));
    xhr.onabort = () => end(() => reject(new TypeError("The request was given up.")));
    signal.addEventListener("abort", leave);
    alive();
    xhr.send(body);
  });
}

function answerHeaders(xhr: XMLHttpRequest): Headers {
  const headers = new Headers();
  for (const line of xhr.getAllResponseHeaders().split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}
