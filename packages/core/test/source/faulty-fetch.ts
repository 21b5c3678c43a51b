/** A fetch that serves one object with faults, and counts what is open. */
export interface FaultyFetch {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Requests without a response, and bodies that were neither read to the end nor cancelled. */
  readonly open: number;
  readonly requests: number;
  /** How often each fault occurred. */
  readonly occurred: Record<string, number>;
}

/** Faults that a read engine must recover from or report. */
export const faults = [
  "reset before the response",
  "reset within the body",
  "stall before the response",
  "stall within the body",
  "500",
  "503 SlowDown",
  "429",
  "200 for a range",
  "short body",
  "long body",
  "shifted range",
  "no Content-Range",
  "wrong Content-Range",
  "gzip",
] as const;
export type Fault = (typeof faults)[number];

/** Makes a {@link FaultyFetch}. `choose` returns the fault of each request, or undefined. There is only one ETag. */
export function faultyFetch(bytes: Uint8Array, choose: () => Fault | undefined): FaultyFetch {
  let open = 0;
  let requests = 0;
  const occurred: Record<string, number> = {};
  const body = (
    chunk: Uint8Array,
    signal: AbortSignal | null | undefined,
    end: "close" | "error" | "never",
  ): ReadableStream<Uint8Array> => {
    open++;
    let over = false;
    const finish = (): void => {
      if (over) return;
      over = true;
      open--;
      signal?.removeEventListener("abort", abort);
    };
    let abort = (): void => {};
    let sent = 0;
    return new ReadableStream<Uint8Array>({
      start(controller) {
        abort = () => {
          finish();
          controller.error(signal!.reason);
        };
        signal?.addEventListener("abort", abort);
      },
      pull(controller) {
        if (sent < chunk.length) {
          const next = chunk.slice(sent, sent + 16_384);
          sent += next.length;
          controller.enqueue(next);
          return;
        }
        if (end === "never") return new Promise(() => {});
        finish();
        if (end === "close") controller.close();
        else controller.error(new TypeError("terminated", { cause: new Error("other side closed") }));
      },
      cancel: finish,
    });
  };
  const self: FaultyFetch = {
    get open() {
      return open;
    },
    get requests() {
      return requests;
    },
    occurred,
    async fetch(_url, init) {
      const { signal } = init;
      requests++;
      open++;
      try {
        await new Promise((resolve) => setTimeout(resolve, 0));
        signal?.throwIfAborted();
        const fault = choose();
        if (fault !== undefined) occurred[fault] = (occurred[fault] ?? 0) + 1;
        const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(new Headers(init.headers).get("range") ?? "")!;
        const start = first === "" ? Math.max(0, bytes.length - Number(last)) : Number(first);
        const end = first === "" ? bytes.length : Math.min(bytes.length, Number(last) + 1);
        const part = bytes.subarray(start, end);
        const half = part.subarray(0, part.length >> 1);
        const headers = { etag: '"one"', "content-range": `bytes ${start}-${end - 1}/${bytes.length}` };
        const respond = (
          chunk: Uint8Array,
          more: Record<string, string> = {},
          finish: "close" | "error" | "never" = "close",
        ): Response =>
          new Response(body(chunk, signal, finish), { status: 206, headers: { ...headers, ...more } });
        const document = (status: number, code: string, more: Record<string, string> = {}): Response =>
          new Response(
            body(new TextEncoder().encode(`<Error><Code>${code}</Code></Error>`), signal, "close"),
            {
              status,
              headers: more,
            },
          );
        switch (fault) {
          case "reset before the response":
            throw new TypeError("fetch failed", { cause: new Error("read ECONNRESET") });
          case "reset within the body":
            return respond(half, {}, "error");
          case "stall before the response":
            return await new Promise((_resolve, reject) => {
              signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
            });
          case "stall within the body":
            return respond(half, {}, "never");
          case "500":
            return document(500, "InternalError");
          case "503 SlowDown":
            return document(503, "SlowDown");
          case "429":
            return document(429, "TooManyRequests", { "retry-after": "0" });
          case "200 for a range":
            return new Response(body(bytes, signal, "close"), { status: 200, headers: { etag: '"one"' } });
          case "short body":
            return respond(half);
          case "long body":
            return respond(bytes.subarray(start, end + 5));
          case "shifted range":
            return respond(bytes.subarray(Math.max(0, start - 1), end - 1), {
              "content-range": `bytes ${Math.max(0, start - 1)}-${end - 2}/${bytes.length}`,
            });
          case "no Content-Range": {
            const response = respond(part);
            response.headers.delete("content-range");
            return response;
          }
          case "wrong Content-Range":
            return respond(part, { "content-range": `bytes 0-0/${bytes.length}` });
          case "gzip":
            return respond(half, { "content-encoding": "gzip" });
          default:
            return respond(part);
        }
      } finally {
        open--;
      }
    },
  };
  return self;
}
