import { gzipSync } from "node:zlib";
import { patterned } from "@peekpack/testing/contracts/range-source";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type HttpSourceOptions, httpSource, type RequestEvent } from "../../src/index.js";
import { type Answer, type ObjectServer, objectServer, secret } from "./object-server.js";

let server: ObjectServer;
const bytes = patterned(50_000);

beforeEach(async () => {
  server = await objectServer(bytes);
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await server.close();
});

const source = (options?: HttpSourceOptions) => httpSource(server.url, options);
const bendOnce = (bend: (answer: Answer) => Answer): void => {
  server.bend = (answer) => {
    server.bend = undefined;
    return bend(answer);
  };
};

describe("first contact", () => {
  it("asks for head and tail together, and never with HEAD", async () => {
    let waiting = 0;
    let release = (): void => {};
    const both = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.bend = async (answer) => {
      if (++waiting === 2) release();
      await both;
      return answer;
    };
    const probe = await source().probe({ head: 16_384, tail: 20_000 });
    expect(server.ranges.toSorted()).toEqual(["bytes=-20000", "bytes=0-16383"]);
    expect(server.requests.map(({ method }) => method)).toEqual(["GET", "GET"]);
    expect(probe.size).toBe(50_000);
    expect(probe.version).toMatch(/^"[0-9a-f]{32}"$/);
  });

  it("asks for the tail by a closed range where suffixes are off, and where the size is known", async () => {
    await source({ suffixRanges: false }).probe({ head: 100, tail: 50 });
    expect(server.ranges).toEqual(["bytes=0-99", "bytes=49950-49999"]);
    server.ranges.length = 0;
    await source({ size: 50_000 }).probe({ head: 100, tail: 50 });
    expect(server.ranges.toSorted()).toEqual(["bytes=0-99", "bytes=49950-49999"]);
  });

  it("makes one trip for an object that the head covers", async () => {
    server.bytes = patterned(900);
    const probe = await source({ suffixRanges: false }).probe({ head: 1000, tail: 1000 });
    expect(server.ranges).toEqual(["bytes=0-999"]);
    expect([probe.head.length, probe.tail.length]).toEqual([900, 900]);
    server.ranges.length = 0;
    await source({ size: 900 }).probe({ head: 500, tail: 500 });
    expect(server.ranges).toEqual(["bytes=0-899"]);
  });

  it("does without suffixes on a server that knows none", async () => {
    for (const status of [400, 416, 501, 200]) {
      server.ranges.length = 0;
      server.bend = (answer, request) => {
        if (!request.headers.range?.startsWith("bytes=-")) return answer;
        return status === 200
          ? { status, headers: { "content-length": "99999999" }, body: new Uint8Array(10) }
          : { status, headers: {}, body: new Uint8Array(0) };
      };
      const probe = await source().probe({ head: 10, tail: 20 });
      expect([...probe.tail]).toEqual([...bytes.subarray(-20)]);
      expect(server.ranges).toHaveLength(3);
    }
  });

  it("sees an empty object, however the server says so", async () => {
    server.bytes = new Uint8Array(0);
    expect(await source().probe({ head: 10, tail: 10 })).toMatchObject({ size: 0 });
    server.bend = () => ({ status: 416, headers: {}, body: new Uint8Array(0) });
    expect(await source().probe({ head: 10, tail: 10 })).toMatchObject({ size: 0 });
    server.bend = () => ({ status: 200, headers: { "content-length": "0" }, body: new Uint8Array(0) });
    expect(await source().probe({ head: 10, tail: 10 })).toMatchObject({ size: 0 });
  });

  it("gives each of several at once what it wants", async () => {
    const object = source();
    const wants = [
      { head: 10, tail: 500 },
      { head: 3000, tail: 20 },
      { head: 0, tail: 0 },
      { head: 10, tail: 50_000 },
    ];
    const probes = await Promise.all(wants.map((want) => object.probe(want)));
    for (const [i, { head, tail }] of wants.entries()) {
      expect([...probes[i]!.head]).toEqual([...bytes.subarray(0, head)]);
      expect([...probes[i]!.tail]).toEqual([...bytes.subarray(50_000 - tail)]);
    }
  });

  it("stops the tail's request when the head's fails", async () => {
    server.bend = (answer, request, response) => {
      if (request.headers.range?.startsWith("bytes=-")) {
        response.writeHead(206, answer.headers);
        response.write(answer.body.subarray(0, 1));
        return undefined;
      }
      return { status: 404, headers: {}, body: new Uint8Array(0) };
    };
    await expect(source().probe({ head: 10, tail: 1000 })).rejects.toMatchObject({ code: "not-found" });
    await vi.waitFor(() => expect(server.open).toBe(0));
  });
});

describe("what an answer must be", () => {
  const broken: [string, (answer: Answer) => Answer, string][] = [
    [
      "without Content-Range",
      ({ headers: { "content-range": _, ...headers }, ...rest }) => ({ ...rest, headers }),
      "network",
    ],
    [
      "with a malformed Content-Range",
      (a) => ({ ...a, headers: { ...a.headers, "content-range": "bytes 10-/x" } }),
      "network",
    ],
    [
      "for another place",
      (a) => ({ ...a, headers: { ...a.headers, "content-range": "bytes 11-20/50000" } }),
      "network",
    ],
    [
      "for a shorter range",
      (a) => ({
        ...a,
        headers: { ...a.headers, "content-range": "bytes 10-18/50000", "content-length": "9" },
        body: a.body.subarray(0, 9),
      }),
      "network",
    ],
    [
      "for a longer range",
      (a) => ({
        ...a,
        headers: { ...a.headers, "content-range": "bytes 10-20/50000", "content-length": "11" },
        body: bytes.subarray(10, 21),
      }),
      "network",
    ],
    [
      "with a size smaller than its range",
      (a) => ({ ...a, headers: { ...a.headers, "content-range": "bytes 10-19/15" } }),
      "network",
    ],
    [
      "with an unknown size",
      (a) => ({ ...a, headers: { ...a.headers, "content-range": "bytes 10-19/*" } }),
      "network",
    ],
    [
      "with a longer body",
      (a) => ({ ...a, headers: { ...a.headers, "content-length": "12" }, body: bytes.subarray(10, 22) }),
      "network",
    ],
    [
      "with a shorter body",
      (a) => ({ ...a, headers: { ...a.headers, "content-length": "4" }, body: a.body.subarray(0, 4) }),
      "network",
    ],
    [
      "that is compressed",
      (a) => {
        const body = gzipSync(a.body);
        return {
          ...a,
          headers: { ...a.headers, "content-encoding": "gzip", "content-length": `${body.length}` },
          body,
        };
      },
      "network",
    ],
    ["with another ETag", (a) => ({ ...a, headers: { ...a.headers, etag: '"other"' } }), "changed"],
    [
      "with a weak ETag",
      (a) => ({ ...a, headers: { ...a.headers, etag: `W/${a.headers.etag}` } }),
      "network",
    ],
    ["without an ETag", ({ headers: { etag: _, ...headers }, ...rest }) => ({ ...rest, headers }), "network"],
    [
      "of another size",
      (a) => ({ ...a, headers: { ...a.headers, "content-range": "bytes 10-19/50001" } }),
      "changed",
    ],
    [
      "multipart/byteranges",
      (a) => ({
        ...a,
        headers: { etag: a.headers.etag!, "content-type": "multipart/byteranges; boundary=x" },
      }),
      "network",
    ],
    ["204", (a) => ({ ...a, status: 204, body: new Uint8Array(0) }), "network"],
    ["304", () => ({ status: 304, headers: {}, body: new Uint8Array(0) }), "network"],
    ["400", () => ({ status: 400, headers: {}, body: new Uint8Array(0) }), "network"],
    ["401", () => ({ status: 401, headers: {}, body: new Uint8Array(0) }), "denied"],
    ["403", () => ({ status: 403, headers: {}, body: new Uint8Array(0) }), "denied"],
    ["404", () => ({ status: 404, headers: {}, body: new Uint8Array(0) }), "not-found"],
    ["412", () => ({ status: 412, headers: {}, body: new Uint8Array(0) }), "changed"],
    [
      "416 although the bytes are there",
      () => ({ status: 416, headers: { "content-range": "bytes */50000" }, body: new Uint8Array(0) }),
      "network",
    ],
    [
      "416 since the object shrank",
      () => ({ status: 416, headers: { "content-range": "bytes */5" }, body: new Uint8Array(0) }),
      "changed",
    ],
    [
      "416 that does not tell the size",
      () => ({ status: 416, headers: {}, body: new Uint8Array(0) }),
      "changed",
    ],
    ["429", () => ({ status: 429, headers: {}, body: new Uint8Array(0) }), "network"],
    ["503", () => ({ status: 503, headers: {}, body: new Uint8Array(0) }), "network"],
  ];
  for (const [name, bend, code] of broken) {
    it(`refuses an answer ${name} with \`${code}\`, and reads on afterwards`, async () => {
      const object = source();
      await object.probe({ head: 1, tail: 1 });
      bendOnce(bend);
      await expect(object.read([{ start: 10, end: 20 }])).rejects.toMatchObject({
        name: "PeekpackError",
        code,
        section: "source",
      });
      const [again] = await object.read([{ start: 10, end: 20 }]);
      expect([...again!]).toEqual([...bytes.subarray(10, 20)]);
    });
  }

  it("records neither size nor version of an answer that is invalid", async () => {
    const object = source();
    bendOnce((a) => ({ ...a, headers: { etag: '"bogus"', "content-range": "bytes 5-6/77" } }));
    await expect(object.read([{ start: 10, end: 20 }])).rejects.toMatchObject({ code: "network" });
    const [good] = await object.read([{ start: 10, end: 20 }]);
    expect([...good!]).toEqual([...bytes.subarray(10, 20)]);
  });

  it("says what S3 answered, and nothing else of its document", async () => {
    bendOnce(() => ({
      status: 403,
      headers: {},
      body: Buffer.from(
        `<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIASECRET</AWSAccessKeyId><SignatureProvided>deadbeefcafe</SignatureProvided></Error>`,
      ),
    }));
    const error = await source({ suffixRanges: false })
      .probe({ head: 1, tail: 1 })
      .catch((error: Error) => error);
    expect(String(error)).toContain("403 SignatureDoesNotMatch");
    expect(String(error)).not.toMatch(/AKIA|deadbeef/);
  });
});

describe("a server that ignores ranges", () => {
  const ignore = (contentLength: boolean): void => {
    server.bend = (_answer, _request, response) => {
      const headers = {
        etag: '"whole"',
        ...(contentLength && { "content-length": `${server.bytes.length}` }),
      };
      response.writeHead(200, headers);
      response.end(server.bytes);
      return undefined;
    };
  };

  it.each([true, false])(
    "is read whole once where the object is small (Content-Length: %s)",
    async (length) => {
      ignore(length);
      const object = source();
      const probe = await object.probe({ head: 100, tail: 50 });
      expect(probe).toMatchObject({ size: 50_000, version: '"whole"' });
      expect([...probe.tail]).toEqual([...bytes.subarray(-50)]);
      const before = server.requests.length;
      const [part] = await object.read([{ start: 20_000, end: 20_100 }]);
      expect([...part!]).toEqual([...bytes.subarray(20_000, 20_100)]);
      expect(server.requests.length).toBe(before);
    },
  );

  it("gives the bytes of the place that was asked for, also when it begins to ignore ranges later", async () => {
    const object = source();
    await object.probe({ head: 100, tail: 50 });
    server.bend = (_answer, _request, response) => {
      response.writeHead(200, { etag: _answer.headers.etag });
      response.end(server.bytes);
      return undefined;
    };
    const ranges = [
      { start: 20_000, end: 20_100 },
      { start: 49_000, end: 50_000 },
    ];
    const parts = await object.read(ranges);
    expect(parts.map((part) => [...part])).toEqual(
      ranges.map(({ start, end }) => [...bytes.subarray(start, end)]),
    );
    await expect(object.read([{ start: 49_000, end: 50_001 }])).rejects.toMatchObject({ code: "truncated" });
  });

  it.each([true, false])(
    "gets its body cancelled where the object is large (Content-Length: %s)",
    async (length) => {
      server.bytes = patterned(3_000_000);
      ignore(length);
      const events: RequestEvent[] = [];
      const object = source({ wholeBytes: 100_000 });
      await expect(
        object.probe({ head: 100, tail: 50 }, { onRequest: (event) => events.push(event) }),
      ).rejects.toMatchObject({
        code: "network",
        message: expect.stringContaining("ranges are ignored (200)"),
      });
      for (const event of events) expect(event.bytes).toBeLessThan(400_000);
      await vi.waitFor(() => expect(server.open).toBe(0));
    },
  );

  it("is refused when its object is not as long as announced", async () => {
    server.bend = () => ({
      status: 200,
      headers: { etag: '"x"', "transfer-encoding": "chunked" },
      body: bytes.subarray(0, 40),
    });
    const object = source({ size: 50_000 });
    await expect(object.read([{ start: 0, end: 10 }])).rejects.toMatchObject({ code: "changed" });
  });
});

describe("the version", () => {
  it("is sent as a condition from the second request on, off-browser", async () => {
    const object = source();
    await object.read([{ start: 0, end: 10 }]);
    await object.read([{ start: 10, end: 20 }]);
    expect(server.requests.map(({ headers }) => headers["if-match"])).toEqual([
      undefined,
      server.requests[1]!.headers["if-match"],
    ]);
    expect(server.requests[1]!.headers["if-match"]).toMatch(/^"[0-9a-f]{32}"$/);
  });

  it("may be given, with or without quotes", async () => {
    const { version } = await source().probe({ head: 1, tail: 1 });
    for (const given of [version!, version!.slice(1, -1)]) {
      await expect(source({ version: given }).read([{ start: 0, end: 1 }])).resolves.toHaveLength(1);
    }
    await expect(source({ version: '"older"' }).read([{ start: 0, end: 1 }])).rejects.toMatchObject({
      code: "changed",
    });
  });

  it("is the version id where there is no strong ETag", async () => {
    server.bend = (a) => ({ ...a, headers: { ...a.headers, etag: 'W/"weak"', "x-amz-version-id": "v7" } });
    const object = source();
    expect(await object.probe({ head: 1, tail: 1 })).toMatchObject({ version: "v7" });
    await object.read([{ start: 5, end: 6 }]);
    expect(server.requests.at(-1)!.headers["if-match"]).toBeUndefined();
    server.bend = (a) => ({ ...a, headers: { ...a.headers, etag: 'W/"weak"', "x-amz-version-id": "v8" } });
    await expect(object.read([{ start: 5, end: 6 }])).rejects.toMatchObject({ code: "changed" });
  });

  it("falls back on Last-Modified, which is no version but may differ", async () => {
    const dated = (date: string): void => {
      server.bend = ({ headers: { etag: _, ...headers }, ...rest }) => ({
        ...rest,
        headers: { ...headers, "last-modified": date },
      });
    };
    dated("Wed, 21 Oct 2015 07:28:00 GMT");
    const object = source();
    expect(await object.probe({ head: 1, tail: 1 })).not.toHaveProperty("version");
    await object.read([{ start: 5, end: 6 }]);
    dated("Wed, 21 Oct 2015 07:28:01 GMT");
    await expect(object.read([{ start: 5, end: 6 }])).rejects.toMatchObject({ code: "changed" });
  });

  it("may be known from before, with the size: no probe is needed", async () => {
    const { size, version } = await source().probe({ head: 1, tail: 1 });
    server.requests.length = 0;
    const object = source();
    object.pin!({ size, version });
    const [last] = await object.read([{ start: 49_999, end: 50_000 }]);
    expect([...last!]).toEqual([...bytes.subarray(-1)]);
    await expect(object.read([{ start: 49_999, end: 50_001 }])).rejects.toMatchObject({ code: "truncated" });
    expect(server.requests).toHaveLength(1);
    const other = source();
    other.pin!({ size, version: '"another"' });
    await expect(other.read([{ start: 0, end: 1 }])).rejects.toMatchObject({ code: "changed" });
    expect(() => object.pin!({ size: 5 })).toThrow(expect.objectContaining({ code: "changed" }));
    expect(() => object.pin!({ version: '"another"' })).toThrow(expect.objectContaining({ code: "changed" }));
    object.pin!({ version });
  });

  it("differs in the tail when the object is replaced between head and tail", async () => {
    server.bend = (a, request) =>
      request.headers.range?.startsWith("bytes=-") ? { ...a, headers: { ...a.headers, etag: '"other"' } } : a;
    await expect(source().probe({ head: 1, tail: 1 })).rejects.toMatchObject({ code: "changed" });
  });
});

describe("in a browser", () => {
  const browse = (page: string): void => void vi.stubGlobal("location", new URL(page));
  const elsewhere = "https://app.example/page";
  const here = (): string => new URL("/page", server.url).href;

  it("across origins: neither suffix nor condition, as both cost a preflight", async () => {
    browse(elsewhere);
    const object = source();
    await object.probe({ head: 100, tail: 50 });
    await object.read([{ start: 500, end: 600 }]);
    expect(server.ranges).toEqual(["bytes=0-99", "bytes=49950-49999", "bytes=500-599"]);
    expect(server.requests.every(({ headers }) => headers["if-match"] === undefined)).toBe(true);
  });

  it("across origins with a header that needs a preflight anyway: the suffix costs nothing more", async () => {
    browse(elsewhere);
    await source({ headers: { authorization: "Bearer x" } }).probe({ head: 100, tail: 50 });
    expect(server.ranges).toContain("bytes=-50");
    server.ranges.length = 0;
    await source({ headers: { Accept: "*/*" } }).probe({ head: 100, tail: 50 });
    expect(server.ranges).not.toContain("bytes=-50");
  });

  it("within its origin: both, and relative URLs", async () => {
    browse(here());
    const object = httpSource("/bucket/object?x=1");
    expect(object.label).toBe(new URL("/bucket/object", server.url).href);
    await object.probe({ head: 100, tail: 50 });
    await object.read([{ start: 500, end: 600 }]);
    expect(server.ranges).toContain("bytes=-50");
    expect(server.requests.at(-1)!.headers["if-match"]).toBeDefined();
  });

  it("says in words which headers CORS hides", async () => {
    browse(elsewhere);
    const hide =
      (...names: string[]) =>
      async (url: string, init: RequestInit) => {
        const { status, headers, body } = await fetch(url, init);
        return {
          status,
          headers: { get: (name: string) => (names.includes(name) ? null : headers.get(name)) },
          body,
        };
      };
    await expect(
      source({ fetch: hide("content-range", "etag") }).probe({ head: 1, tail: 1 }),
    ).rejects.toMatchObject({
      code: "network",
      message: expect.stringMatching(/CORS.*expose Content-Range and ETag/),
    });
    await expect(
      source({ fetch: hide("etag"), version: '"known"' }).probe({ head: 1, tail: 1 }),
    ).rejects.toMatchObject({ code: "network", message: expect.stringMatching(/ETag.*CORS/) });
    await expect(
      source({ fetch: () => Promise.reject(new TypeError("Failed to fetch")) }).probe({ head: 1, tail: 1 }),
    ).rejects.toMatchObject({ code: "network", message: expect.stringMatching(/CORS/) });
  });

  it("bypasses the HTTP cache, unless told otherwise, and elsewhere there is none to bypass", async () => {
    const modes: (RequestCache | undefined)[] = [];
    const noted = (url: string, { cache, ...init }: RequestInit) => {
      modes.push(cache);
      return fetch(url, init);
    };
    await source({ fetch: noted }).read([{ start: 0, end: 10 }]);
    browse(elsewhere);
    await source({ fetch: noted }).read([{ start: 0, end: 10 }]);
    await source({ fetch: noted, init: { cache: "default" } }).read([{ start: 0, end: 10 }]);
    expect(modes).toEqual([undefined, "no-store", "default"]);
  });
});

describe("authorization", () => {
  it("is renewed once for all requests that met the same refusal", async () => {
    let given = 0;
    let valid = 1;
    server.bend = (answer, request) =>
      Number(new URL(request.url!, server.url).searchParams.get("token")) >= valid
        ? answer
        : {
            status: 403,
            headers: {},
            body: Buffer.from(
              "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
            ),
          };
    const object = httpSource(async () => `${server.url}&token=${++given}`, { label: "presigned" });
    await object.probe({ head: 10, tail: 10 });
    expect(given).toBe(1);
    valid = 2;
    const reads = await Promise.all(
      Array.from({ length: 20 }, (_, i) => object.read([{ start: i * 100, end: i * 100 + 10 }])),
    );
    expect(reads.every(([part], i) => part![0] === bytes[i * 100])).toBe(true);
    expect(given).toBe(2);
  });

  it("is denied when a new one does not help, after one more request each", async () => {
    server.bend = () => ({ status: 403, headers: {}, body: new Uint8Array(0) });
    let given = 0;
    const object = httpSource(() => `${server.url}&${++given}`, { label: "presigned" });
    await expect(object.read([{ start: 0, end: 1 }])).rejects.toMatchObject({ code: "denied" });
    expect(server.requests).toHaveLength(2);
    expect(given).toBe(2);
  });

  it("is denied when no new one is to be had", async () => {
    server.bend = () => ({ status: 403, headers: {}, body: new Uint8Array(0) });
    let given = 0;
    const object = httpSource(
      () => {
        if (given++ > 0) throw new Error(`no more: https://sts.example/?${secret}`);
        return server.url;
      },
      { label: "presigned" },
    );
    const error = await object.read([{ start: 0, end: 1 }]).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "denied", cause: { message: "no more: https://sts.example/" } });
  });

  it("needs a label for a URL that is a function", () => {
    expect(() => httpSource(() => server.url)).toThrow(TypeError);
  });
});

describe("leaving", () => {
  it("stops the request and rejects at once, before and within the body", async () => {
    for (const within of [false, true]) {
      const reason = new Error("left");
      const controller = new AbortController();
      const arrived = new Promise<void>((resolve) => {
        server.bend = (answer, _request, response) => {
          if (within) {
            response.writeHead(206, answer.headers);
            response.write(answer.body.subarray(0, 100));
          }
          setTimeout(resolve, 20);
          return undefined;
        };
      });
      const events: RequestEvent[] = [];
      const read = source().read([{ start: 0, end: 10_000 }], {
        signal: controller.signal,
        onRequest: (event) => events.push(event),
      });
      await arrived;
      controller.abort(reason);
      await expect(read).rejects.toBe(reason);
      expect(events).toMatchObject([
        { error: "aborted", bytes: within ? 100 : 0, ...(within && { status: 206 }) },
      ]);
      await vi.waitFor(() => expect(server.open).toBe(0));
    }
  });

  it("works with a fetch that does not heed the signal", async () => {
    let cancelled = false;
    const deaf = async () => ({
      status: 206,
      headers: new Headers({ "content-range": "bytes 0-9/10", etag: '"x"' }),
      body: new ReadableStream<Uint8Array>({
        cancel() {
          cancelled = true;
        },
      }),
    });
    const controller = new AbortController();
    const read = source({ fetch: deaf }).read([{ start: 0, end: 10 }], { signal: controller.signal });
    setTimeout(() => controller.abort("enough"), 5);
    await expect(read).rejects.toBe("enough");
    expect(cancelled).toBe(true);
  });

  it("gives up when no byte arrives, with what did arrive in the hint for the next try", async () => {
    server.bend = (answer, _request, response) => {
      response.writeHead(206, answer.headers);
      response.write(answer.body.subarray(0, 100));
      return undefined;
    };
    await expect(source({ stallMs: 50 }).read([{ start: 0, end: 1000 }])).rejects.toMatchObject({
      code: "network",
      message: expect.stringContaining("no byte for 50 ms"),
    });
    await vi.waitFor(() => expect(server.open).toBe(0));
  });
});

it("refuses what is no URL, and URLs with credentials, without repeating them", () => {
  for (const url of [`not a url?${secret}`, `http://user:${secret}@127.0.0.1/`]) {
    let message = "";
    try {
      httpSource(url);
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      message = String(error);
    }
    expect(message).toMatch(/TypeError/);
    expect(message).not.toContain("deadbeef");
  }
});
