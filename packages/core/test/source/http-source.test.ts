import { gzipSync } from "node:zlib";
import { patterned } from "@peekpack/testing/contracts/range-source";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type HttpSourceOptions, httpSource, type RequestEvent, readEngine } from "../../src/index.js";
import { type ObjectServer, objectServer, type ServedResponse, secret } from "./object-server.js";

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
const interceptOnce = (intercept: (served: ServedResponse) => ServedResponse): void => {
  server.intercept = (served) => {
    server.intercept = undefined;
    return intercept(served);
  };
};

describe("probe", () => {
  it("requests head and tail at once, and never with HEAD", async () => {
    let waiting = 0;
    let release = (): void => {};
    const both = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.intercept = async (served) => {
      if (++waiting === 2) release();
      await both;
      return served;
    };
    const probe = await source().probe({ head: 16_384, tail: 20_000 });
    expect(server.ranges.toSorted()).toEqual(["bytes=-20000", "bytes=0-16383"]);
    expect(server.requests.map(({ method }) => method)).toEqual(["GET", "GET"]);
    expect(probe.size).toBe(50_000);
    expect(probe.version).toMatch(/^"[0-9a-f]{32}"$/);
  });

  it("requests the tail by a closed range if suffixes are off or the size is known", async () => {
    await source({ suffixRanges: false }).probe({ head: 100, tail: 50 });
    expect(server.ranges).toEqual(["bytes=0-99", "bytes=49950-49999"]);
    server.ranges.length = 0;
    await source({ size: 50_000 }).probe({ head: 100, tail: 50 });
    expect(server.ranges.toSorted()).toEqual(["bytes=0-99", "bytes=49950-49999"]);
  });

  it("makes one request for an object that the head covers", async () => {
    server.bytes = patterned(900);
    const probe = await source({ suffixRanges: false }).probe({ head: 1000, tail: 1000 });
    expect(server.ranges).toEqual(["bytes=0-999"]);
    expect([probe.head.length, probe.tail.length]).toEqual([900, 900]);
    server.ranges.length = 0;
    await source({ size: 900 }).probe({ head: 500, tail: 500 });
    expect(server.ranges).toEqual(["bytes=0-899"]);
  });

  it("falls back to a closed range on a server without suffix ranges", async () => {
    for (const status of [400, 416, 501, 200]) {
      server.ranges.length = 0;
      server.intercept = (served, request) => {
        if (!request.headers.range?.startsWith("bytes=-")) return served;
        return status === 200
          ? { status, headers: { "content-length": "99999999" }, body: new Uint8Array(10) }
          : { status, headers: {}, body: new Uint8Array(0) };
      };
      const probe = await source().probe({ head: 10, tail: 20 });
      expect([...probe.tail]).toEqual([...bytes.subarray(-20)]);
      expect(server.ranges).toHaveLength(3);
    }
  });

  it("takes a 416 for a long suffix that states no size for no statement about the size", async () => {
    server.bytes = patterned(900);
    server.intercept = (served, request) =>
      Number(/^bytes=-(\d+)/.exec(request.headers.range!)?.[1]) > 900
        ? { status: 416, headers: {}, body: new Uint8Array(0) }
        : // The refusals arrive first.
          new Promise((resolve) => setTimeout(resolve, 50, served));
    const longTail = { bytes: 5000, wanted: () => 5000 };
    const probe = await source().probe({ head: 100, tail: 1000, longTail });
    expect(probe).toMatchObject({ size: 900, version: expect.stringMatching(/^"/) });
    expect([...probe.tail]).toEqual([...server.bytes]);
  });

  it("recognizes an empty object by 206, 416 and 200", async () => {
    server.bytes = new Uint8Array(0);
    expect(await source().probe({ head: 10, tail: 10 })).toMatchObject({ size: 0 });
    const contentRange = { "content-range": "bytes 0--1/0" };
    server.intercept = () => ({ status: 206, headers: contentRange, body: new Uint8Array(0) });
    expect(await source().probe({ head: 10, tail: 10 })).toMatchObject({ size: 0 });
    server.intercept = () => ({ status: 416, headers: {}, body: new Uint8Array(0) });
    expect(await source().probe({ head: 10, tail: 10 })).toMatchObject({ size: 0 });
    server.intercept = () => ({ status: 200, headers: { "content-length": "0" }, body: new Uint8Array(0) });
    expect(await source().probe({ head: 10, tail: 10 })).toMatchObject({ size: 0 });
  });

  it("serves simultaneous probes of different sizes", async () => {
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

  it("aborts the request for the tail when the head fails", async () => {
    server.intercept = (served, request, response) => {
      if (request.headers.range?.startsWith("bytes=-")) {
        response.writeHead(206, served.headers);
        response.write(served.body.subarray(0, 1));
        return undefined;
      }
      return { status: 404, headers: {}, body: new Uint8Array(0) };
    };
    await expect(source().probe({ head: 10, tail: 1000 })).rejects.toMatchObject({ code: "not-found" });
    await vi.waitFor(() => expect(server.open).toBe(0));
  });
});

describe("checks of responses", () => {
  const broken: [string, (served: ServedResponse) => ServedResponse, string][] = [
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
      "for another offset",
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
      "416 for bytes that exist",
      () => ({ status: 416, headers: { "content-range": "bytes */50000" }, body: new Uint8Array(0) }),
      "network",
    ],
    [
      "416 because the object shrank",
      () => ({ status: 416, headers: { "content-range": "bytes */5" }, body: new Uint8Array(0) }),
      "changed",
    ],
    ["416 without a size", () => ({ status: 416, headers: {}, body: new Uint8Array(0) }), "changed"],
    ["429", () => ({ status: 429, headers: {}, body: new Uint8Array(0) }), "network"],
    ["503", () => ({ status: 503, headers: {}, body: new Uint8Array(0) }), "network"],
  ];
  for (const [name, intercept, code] of broken) {
    it(`rejects a response ${name} with \`${code}\`, and can read afterwards`, async () => {
      const object = source();
      await object.probe({ head: 1, tail: 1 });
      interceptOnce(intercept);
      await expect(object.read([{ start: 10, end: 20 }])).rejects.toMatchObject({
        name: "PeekpackError",
        code,
        section: "source",
      });
      const [again] = await object.read([{ start: 10, end: 20 }]);
      expect([...again!]).toEqual([...bytes.subarray(10, 20)]);
    });
  }

  it("pins neither size nor version of an invalid response", async () => {
    const object = source();
    interceptOnce((a) => ({ ...a, headers: { etag: '"bogus"', "content-range": "bytes 5-6/77" } }));
    await expect(object.read([{ start: 10, end: 20 }])).rejects.toMatchObject({ code: "network" });
    const [good] = await object.read([{ start: 10, end: 20 }]);
    expect([...good!]).toEqual([...bytes.subarray(10, 20)]);
  });

  it("reports the error code of S3, and nothing else of its document", async () => {
    interceptOnce(() => ({
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

  it("does not report an access key that a server sends as an error code", async () => {
    interceptOnce(() => ({
      status: 403,
      headers: {},
      body: Buffer.from("<Error><Code>AKIAIOSFODNN7EXAMPLE</Code></Error>"),
    }));
    const error = await source({ suffixRanges: false })
      .probe({ head: 1, tail: 1 })
      .catch((error: Error) => error);
    expect(String(error)).toContain("403");
    expect(String(error)).not.toContain("AKIA");
  });
});

describe("a server that ignores ranges", () => {
  const ignore = (contentLength: boolean): void => {
    server.intercept = (_served, _request, response) => {
      const headers = {
        etag: '"whole"',
        ...(contentLength && { "content-length": `${server.bytes.length}` }),
      };
      response.writeHead(200, headers);
      response.end(server.bytes);
      return undefined;
    };
  };

  it.each([true, false])("is read whole once if the object is small (Content-Length: %s)", async (length) => {
    ignore(length);
    const object = source();
    const probe = await object.probe({ head: 100, tail: 50 });
    expect(probe).toMatchObject({ size: 50_000, version: '"whole"' });
    expect([...probe.tail]).toEqual([...bytes.subarray(-50)]);
    const before = server.requests.length;
    const [part] = await object.read([{ start: 20_000, end: 20_100 }]);
    expect([...part!]).toEqual([...bytes.subarray(20_000, 20_100)]);
    expect(server.requests.length).toBe(before);
  });

  it("serves the requested bytes also if it ignores ranges only later", async () => {
    const object = source();
    await object.probe({ head: 100, tail: 50 });
    server.intercept = (_served, _request, response) => {
      response.writeHead(200, { etag: _served.headers.etag });
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
    "has its body cancelled if the object is large (Content-Length: %s)",
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

  it("is rejected if the object is not as long as announced", async () => {
    server.intercept = () => ({
      status: 200,
      headers: { etag: '"x"', "transfer-encoding": "chunked" },
      body: bytes.subarray(0, 40),
    });
    const object = source({ size: 50_000 });
    await expect(object.read([{ start: 0, end: 10 }])).rejects.toMatchObject({ code: "changed" });
  });
});

describe("the version", () => {
  it("is sent as If-Match from the second request on, outside browsers", async () => {
    const object = source();
    await object.read([{ start: 0, end: 10 }]);
    await object.read([{ start: 10, end: 20 }]);
    expect(server.requests.map(({ headers }) => headers["if-match"])).toEqual([
      undefined,
      server.requests[1]!.headers["if-match"],
    ]);
    expect(server.requests[1]!.headers["if-match"]).toMatch(/^"[0-9a-f]{32}"$/);
  });

  it("can be given with or without quotes", async () => {
    const { version } = await source().probe({ head: 1, tail: 1 });
    for (const given of [version!, version!.slice(1, -1)]) {
      await expect(source({ version: given }).read([{ start: 0, end: 1 }])).resolves.toHaveLength(1);
    }
    await expect(source({ version: '"older"' }).read([{ start: 0, end: 1 }])).rejects.toMatchObject({
      code: "changed",
    });
  });

  it("is the version id if there is no strong ETag", async () => {
    server.intercept = (a) => ({
      ...a,
      headers: { ...a.headers, etag: 'W/"weak"', "x-amz-version-id": "v7" },
    });
    const object = source();
    expect(await object.probe({ head: 1, tail: 1 })).toMatchObject({ version: "v7" });
    await object.read([{ start: 5, end: 6 }]);
    expect(server.requests.at(-1)!.headers["if-match"]).toBeUndefined();
    server.intercept = (a) => ({
      ...a,
      headers: { ...a.headers, etag: 'W/"weak"', "x-amz-version-id": "v8" },
    });
    await expect(object.read([{ start: 5, end: 6 }])).rejects.toMatchObject({ code: "changed" });
  });

  it("falls back to comparing Last-Modified", async () => {
    const dated = (date: string): void => {
      server.intercept = ({ headers: { etag: _, ...headers }, ...rest }) => ({
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

  it("can be pinned with the size, without a probe", async () => {
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

  it("rejects with changed if the object is replaced between head and tail", async () => {
    server.intercept = (a, request) =>
      request.headers.range?.startsWith("bytes=-") ? { ...a, headers: { ...a.headers, etag: '"other"' } } : a;
    await expect(source().probe({ head: 1, tail: 1 })).rejects.toMatchObject({ code: "changed" });
  });
});

describe("a redirect", () => {
  let other: ObjectServer;
  beforeEach(async () => {
    other = await objectServer(bytes);
  });
  afterEach(() => other.close());
  const headers = { "x-api-key": "secret key", authorization: "Bearer secret" };
  /** The server redirects to `to`, unless that is the request's own path. */
  const redirect = (to: string, status = 307): void => {
    server.intercept = (served, { url }) =>
      url === to ? served : { status, headers: { location: to }, body: new Uint8Array(3) };
  };
  const readFour = async (options: HttpSourceOptions): Promise<readonly number[]> => {
    const [read] = await source(options).read([{ start: 5, end: 9 }]);
    return [...read!];
  };
  const four = [...bytes.subarray(5, 9)];

  it("to another origin is followed without the caller's headers", async () => {
    redirect(other.url);
    expect(await readFour({ headers })).toEqual(four);
    expect(server.requests[0]!.headers["x-api-key"]).toBe("secret key");
    expect(other.ranges).toEqual(["bytes=5-8"]);
    expect(other.requests[0]!.headers).not.toHaveProperty("x-api-key");
    expect(other.requests[0]!.headers).not.toHaveProperty("authorization");
  });

  it("to another origin and back is followed without the caller's headers", async () => {
    other.intercept = () => ({ status: 302, headers: { location: server.url }, body: new Uint8Array(0) });
    server.intercept = (served, _request, _response, count) =>
      count > 1 ? served : { status: 302, headers: { location: other.url }, body: new Uint8Array(0) };
    expect(await readFour({ headers })).toEqual(four);
    expect(server.requests.map((request) => request.headers["x-api-key"])).toEqual(["secret key", undefined]);
  });

  it.each([301, 302, 303, 307, 308])(
    "within the origin (%i) is followed with the headers",
    async (status) => {
      redirect("/elsewhere", status);
      expect(await readFour({ headers })).toEqual(four);
      expect(server.requests.map(({ url }) => url)).toEqual([expect.stringMatching(/object/), "/elsewhere"]);
      expect(server.requests[1]!.headers["x-api-key"]).toBe("secret key");
    },
  );

  it("is followed to another origin without headers of the caller", async () => {
    redirect(other.url);
    expect(await readFour({})).toEqual(four);
  });

  it("is followed with the headers if `init` asks for it", async () => {
    redirect(other.url);
    expect(await readFour({ headers, init: { redirect: "follow" } })).toEqual(four);
    expect(other.requests[0]!.headers["x-api-key"]).toBe("secret key");
  });

  it("that never ends is given up after 20 redirects", async () => {
    server.intercept = () => ({ status: 302, headers: { location: "/again" }, body: new Uint8Array(0) });
    await expect(readFour({ headers })).rejects.toMatchObject({ code: "network" });
    expect(server.requests).toHaveLength(21);
  });

  it("that a browser hides is a network error that says so, at once", async () => {
    const hidden = { status: 0, headers: new Headers(), body: null };
    const fetch = vi.fn(async (_url: string, _init: RequestInit) => hidden);
    await expect(readEngine(source({ headers, fetch })).read([{ start: 5, end: 9 }])).rejects.toMatchObject({
      code: "network",
      message: expect.stringContaining("redirect"),
    });
    expect(fetch.mock.calls.map(([, { redirect }]) => redirect)).toEqual(["manual"]);
  });
});

describe("in a browser", () => {
  const browse = (page: string): void => void vi.stubGlobal("location", new URL(page));
  const elsewhere = "https://app.example/page";
  const here = (): string => new URL("/page", server.url).href;

  it("sends neither suffix nor If-Match across origins, as both cause a preflight", async () => {
    browse(elsewhere);
    const object = source();
    await object.probe({ head: 100, tail: 50 });
    await object.read([{ start: 500, end: 600 }]);
    expect(server.ranges).toEqual(["bytes=0-99", "bytes=49950-49999", "bytes=500-599"]);
    expect(server.requests.every(({ headers }) => headers["if-match"] === undefined)).toBe(true);
  });

  it("sends a suffix across origins if another header causes a preflight anyway", async () => {
    browse(elsewhere);
    await source({ headers: { authorization: "Bearer x" } }).probe({ head: 100, tail: 50 });
    expect(server.ranges).toContain("bytes=-50");
    server.ranges.length = 0;
    await source({ headers: { Accept: "*/*" } }).probe({ head: 100, tail: 50 });
    expect(server.ranges).not.toContain("bytes=-50");
  });

  it("sends suffix and If-Match within its origin, and resolves relative URLs", async () => {
    browse(here());
    const object = httpSource("/bucket/object?x=1");
    expect(object.label).toBe(new URL("/bucket/object", server.url).href);
    await object.probe({ head: 100, tail: 50 });
    await object.read([{ start: 500, end: 600 }]);
    expect(server.ranges).toContain("bytes=-50");
    expect(server.requests.at(-1)!.headers["if-match"]).toBeDefined();
  });

  it("names the headers that CORS hides", async () => {
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

  it("bypasses the HTTP cache of a browser by default", async () => {
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
  it("is renewed once for all requests that were refused", async () => {
    let given = 0;
    let valid = 1;
    server.intercept = (served, request) =>
      Number(new URL(request.url!, server.url).searchParams.get("token")) >= valid
        ? served
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

  it("rejects with denied after one more request if the renewed one is refused", async () => {
    server.intercept = () => ({ status: 403, headers: {}, body: new Uint8Array(0) });
    let given = 0;
    const object = httpSource(() => `${server.url}&${++given}`, { label: "presigned" });
    await expect(object.read([{ start: 0, end: 1 }])).rejects.toMatchObject({ code: "denied" });
    expect(server.requests).toHaveLength(2);
    expect(given).toBe(2);
  });

  it("rejects with denied if it cannot be renewed", async () => {
    server.intercept = () => ({ status: 403, headers: {}, body: new Uint8Array(0) });
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

  it("requires a label for a URL function", () => {
    expect(() => httpSource(() => server.url)).toThrow(TypeError);
  });
});

describe("abort", () => {
  it("ends the request and rejects at once, before and within the body", async () => {
    for (const within of [false, true]) {
      const reason = new Error("aborted");
      const controller = new AbortController();
      const arrived = new Promise<void>((resolve) => {
        server.intercept = (served, _request, response) => {
          if (within) {
            response.writeHead(206, served.headers);
            response.write(served.body.subarray(0, 100));
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

  it("works with a fetch that ignores the signal", async () => {
    let cancelled = false;
    const ignoring = async () => ({
      status: 206,
      headers: new Headers({ "content-range": "bytes 0-9/10", etag: '"x"' }),
      body: new ReadableStream<Uint8Array>({
        cancel() {
          cancelled = true;
        },
      }),
    });
    const controller = new AbortController();
    const read = source({ fetch: ignoring }).read([{ start: 0, end: 10 }], { signal: controller.signal });
    setTimeout(() => controller.abort("enough"), 5);
    await expect(read).rejects.toBe("enough");
    expect(cancelled).toBe(true);
  });

  it("rejects when no byte arrives within stallMs", async () => {
    server.intercept = (served, _request, response) => {
      response.writeHead(206, served.headers);
      response.write(served.body.subarray(0, 100));
      return undefined;
    };
    await expect(source({ stallMs: 50 }).read([{ start: 0, end: 1000 }])).rejects.toMatchObject({
      code: "network",
      message: expect.stringContaining("no byte for 50 ms"),
    });
    await vi.waitFor(() => expect(server.open).toBe(0));
  });

  it("rejects when bytes arrive more slowly than 500 a second for stallMs", async () => {
    let timer: ReturnType<typeof setInterval> | undefined;
    server.intercept = (served, _request, response) => {
      response.writeHead(206, served.headers);
      let sent = 0;
      timer = setInterval(() => response.write(served.body.subarray(sent, ++sent)), 20);
      return undefined;
    };
    await expect(source({ stallMs: 400 }).read([{ start: 0, end: 1000 }])).rejects.toMatchObject({
      code: "network",
      message: expect.stringMatching(/only \d+ bytes for 400 ms/),
    });
    clearInterval(timer);
  });
});

it("rejects invalid URLs and URLs with credentials with TypeError, without repeating them", () => {
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
