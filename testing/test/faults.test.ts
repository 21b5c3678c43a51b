import { request as httpRequest } from "node:http";
import { gunzipSync } from "node:zlib";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fingerprint, MIB, patterned, xmlCode } from "../src/contracts/s3/subject.js";
import { type Fault, faults, UNRESOLVABLE_ENDPOINT } from "../src/faults/fault.js";
import { type FaultProxy, startFaultProxy } from "../src/faults/proxy.js";
import { sometimes } from "../src/faults/rules.js";
import { skippedAsAbsent } from "../src/live.js";
import { freshBucket, s3Client, setCors } from "../src/s3/client.js";
import { startS3 } from "../src/s3/launcher.js";
import { locateS3 } from "../src/s3/locate.js";
import { presign, sendRequest, signRequest } from "../src/s3/signing.js";
import { type StandIn, startStandIn } from "../src/s3/stand-in/server.js";

const SIZE = 300_000;
const bytes = patterned(SIZE, 7);
const KEY = "some key";

let standIn: StandIn;
let bucket: string;
let proxy: FaultProxy;

beforeAll(async () => {
  standIn = await startStandIn();
  bucket = await freshBucket(standIn, "faults");
});
afterAll(() => standIn.close());

const putDirectly = async (key: string, body: Uint8Array | string): Promise<void> => {
  const client = s3Client(standIn);
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  client.destroy();
};

beforeEach(async () => {
  await putDirectly(KEY, bytes);
  proxy = await startFaultProxy(standIn);
});
afterEach(() => proxy.close());

const get = async (range?: string, headers: Record<string, string> = {}) =>
  sendRequest(
    await signRequest(proxy.access, {
      path: `${bucket}/${KEY}`,
      headers: { ...headers, ...(range === undefined ? {} : { range }) },
    }),
  );

const put = async (body: Uint8Array | string, key = KEY) =>
  sendRequest(await signRequest(proxy.access, { method: "PUT", path: `${bucket}/${key}`, body }));

/** As much of an answer as reaches a client before the connection breaks, and the error that it then sees. */
async function getBroken(
  range: string,
): Promise<{ received: number; status: number | undefined; code: string }> {
  const signed = await signRequest(proxy.access, { path: `${bucket}/${KEY}`, headers: { range } });
  return new Promise((resolve, reject) => {
    let received = 0;
    let status: number | undefined;
    const broke = (error: NodeJS.ErrnoException): void =>
      resolve({ received, status, code: error.code ?? "" });
    const outgoing = httpRequest(signed.url, { headers: { ...signed.headers }, agent: false }, (response) => {
      status = response.statusCode;
      response.on("data", (piece: Buffer) => {
        received += piece.length;
      });
      response.on("error", broke);
      response.on("end", () => reject(new Error("the answer came whole")));
    });
    outgoing.on("error", broke);
    outgoing.end();
  });
}

describe("the fault proxy without a rule", () => {
  it("passes signed requests, presigned ones, and uploads, and counts their bytes", async () => {
    const part = await get("bytes=10-19");
    expect([part.status, fingerprint(part.body)]).toEqual([206, fingerprint(bytes.subarray(10, 20))]);
    const url = await presign(proxy.access, { path: `${bucket}/${KEY}` });
    expect(fingerprint((await sendRequest({ url })).body)).toBe(fingerprint(bytes));
    expect((await put("12345")).status).toBe(200);
    expect((await get()).text).toBe("12345");
    expect(
      proxy.requests.map(({ method, range, status, bytesUp, bytesDown }) => [
        method,
        range,
        status,
        bytesUp,
        bytesDown,
      ]),
    ).toEqual([
      ["GET", "bytes=10-19", 206, 0, 10],
      ["GET", undefined, 200, 0, SIZE],
      ["PUT", undefined, 200, 5, 0],
      ["GET", undefined, 200, 0, 5],
    ]);
    const totals = proxy.totals();
    expect(totals).toMatchObject({ requests: 4, bytesUp: 5, bytesDown: SIZE + 15 });
    expect(totals.wireDown).toBeGreaterThan(totals.bytesDown);
    expect(totals.wireUp).toBeGreaterThan(1000);
    expect(proxy.pending).toBe(0);
    proxy.reset();
    expect(proxy.totals()).toMatchObject({ requests: 0, bytesUp: 0, bytesDown: 0 });
  });

  it("keeps no query and no credential in what it records", async () => {
    const url = await presign(proxy.access, { path: `${bucket}/${KEY}` });
    await sendRequest({ url });
    await get();
    const kept = JSON.stringify(proxy.requests);
    expect(proxy.requests[0]?.path).toBe(`/${bucket}/${KEY}`);
    expect(proxy.requests[0]?.queryNames).toContain("X-Amz-Signature");
    expect(kept).not.toContain(new URL(url).searchParams.get("X-Amz-Signature"));
    expect(kept).not.toContain(standIn.credentials.accessKeyId);
  });

  it("lets the AWS client through, with large bodies both ways", async () => {
    const client = s3Client(proxy.access, { maxAttempts: 1 });
    const large = patterned(8 * MIB, 9);
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: "large", Body: large }));
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: "large" }));
    expect(fingerprint((await Body?.transformToByteArray()) ?? new Uint8Array())).toBe(fingerprint(large));
    client.destroy();
  });

  it("breaks the connection when there is no server", async () => {
    await standIn.crash();
    await expect(get()).rejects.toMatchObject({ code: "ECONNRESET" });
    await standIn.restart();
    expect((await get("bytes=0-0")).status).toBe(206);
  });
});

for (const kind of ["rustfs", "versitygw"] as const) {
  const { here, how } = await locateS3(kind);
  const absent = skippedAsAbsent(`the fault proxy before ${kind}`, here ? undefined : how);
  describe.skipIf(absent)(`the fault proxy before ${kind}`, () => {
    it("passes what was signed for the proxy's host, and signs what it asks for itself", async () => {
      const server = await startS3({ require: kind, build: false });
      const before = await startFaultProxy(server);
      const client = s3Client(before.access, { maxAttempts: 1 });
      try {
        const Bucket = await freshBucket(before.access);
        await client.send(new PutObjectCommand({ Bucket, Key: KEY, Body: bytes }));
        const read = async () =>
          sendRequest(
            await signRequest(before.access, { path: `${Bucket}/${KEY}`, headers: { range: "bytes=5-9" } }),
          );
        expect(fingerprint((await read()).body)).toBe(fingerprint(bytes.subarray(5, 10)));
        before.add({ fault: faults.wholeBody(), times: 1 });
        const whole = await read();
        expect([whole.status, fingerprint(whole.body)]).toEqual([200, fingerprint(bytes)]);
        before.add({ fault: faults.shiftedBody(3), times: 1 });
        expect(fingerprint((await read()).body)).toBe(fingerprint(bytes.subarray(8, 13)));
      } finally {
        client.destroy();
        await before.close();
        await server.close();
      }
    });
  });
}

describe("connections that break", () => {
  it("before anything is forwarded, and before the server has done anything", async () => {
    proxy.add({ when: { method: "PUT" }, fault: faults.resetBefore() });
    await expect(put("new")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect((await get()).body.length).toBe(SIZE);
  });

  it("within the request's body", async () => {
    proxy.add({ when: { method: "PUT" }, fault: faults.resetInRequest(100_000) });
    await expect(put(patterned(200_000))).rejects.toThrow();
    expect(proxy.requests[0]?.bytesUp).toBe(100_000);
    expect(fingerprint((await get()).body)).toBe(fingerprint(bytes));
  });

  it("after the server has done what was asked", async () => {
    proxy.add({ when: { method: "PUT" }, fault: faults.resetAnswered() });
    await expect(put("done")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect((await get()).text).toBe("done");
  });

  it("after the headers", async () => {
    proxy.add({ fault: faults.resetAfterHeaders() });
    expect(await getBroken("bytes=0-99999")).toEqual({ received: 0, status: 206, code: "ECONNRESET" });
  });

  it("within the answer's body, after so many bytes or half", async () => {
    const rule = proxy.add({ fault: faults.resetWithin(12_345) });
    expect(await getBroken("bytes=0-99999")).toEqual({ received: 12_345, status: 206, code: "ECONNRESET" });
    rule.remove();
    proxy.add({ fault: faults.resetWithin() });
    expect((await getBroken("bytes=0-99999")).received).toBe(50_000);
  });

  it("after the body, which is whole", async () => {
    proxy.add({ fault: faults.resetAfter() });
    expect((await get("bytes=0-9")).body.length).toBe(10);
  });
});

describe("connections that stall", () => {
  it.each<[string, Fault]>([
    ["before", faults.stallBefore()],
    ["after the headers", faults.stallAfterHeaders()],
    ["within the body", faults.stallWithin(1000)],
  ])("%s, until the client gives up", async (_where, fault) => {
    proxy.add({ fault });
    const signed = await signRequest(proxy.access, { path: `${bucket}/${KEY}` });
    const signal = AbortSignal.timeout(300);
    const whole = fetch(signed.url, { headers: { ...signed.headers }, signal }).then((r) => r.arrayBuffer());
    await expect(whole).rejects.toMatchObject({ name: "TimeoutError" });
    await expect.poll(() => proxy.pending).toBe(0);
  });

  it("for a while, and then goes on", async () => {
    proxy.add({ fault: faults.stallWithin(1000, 200) });
    const answer = await get();
    expect(fingerprint(answer.body)).toBe(fingerprint(bytes));
    expect(proxy.requests[0]?.tookMs).toBeGreaterThan(190);
  });
});

describe("answers that refuse", () => {
  it.each<[string, Fault, number, string]>([
    ["500", faults.serverError(), 500, "InternalError"],
    ["503", faults.slowDown(), 503, "SlowDown"],
    ["403", faults.expired(), 403, "AccessDenied"],
    ["400", faults.expiredToken(), 400, "ExpiredToken"],
  ])("%s with S3's code", async (_name, fault, status, code) => {
    proxy.add({ fault });
    const answer = await get();
    expect([answer.status, xmlCode(answer.text)]).toEqual([status, code]);
  });

  it("429 with Retry-After", async () => {
    proxy.add({ fault: faults.tooManyRequests(3) });
    const answer = await get();
    expect([answer.status, answer.headers["retry-after"]]).toEqual([429, "3"]);
  });

  it("a page may see, and its preflight passes", async () => {
    await setCors(standIn, bucket, ["http://page.example"]);
    proxy.add({ fault: faults.slowDown() });
    const url = await presign(proxy.access, { path: `${bucket}/${KEY}` });
    const headers = { origin: "http://page.example", "access-control-request-method": "GET" };
    const preflight = await sendRequest({ url, method: "OPTIONS", headers });
    expect(preflight.status).toBe(200);
    const answer = await sendRequest({ url, headers: { origin: "http://page.example" } });
    expect([answer.status, answer.headers["access-control-allow-origin"]]).toEqual([503, "*"]);
  });
});

describe("answers that mislead", () => {
  it("200 with the whole object, also where the range is signed", async () => {
    proxy.add({ fault: faults.wholeBody() });
    const signed = await get("bytes=5-9");
    expect([signed.status, fingerprint(signed.body)]).toEqual([200, fingerprint(bytes)]);
    expect(signed.headers["content-range"]).toBeUndefined();
    const url = await presign(proxy.access, { path: `${bucket}/${KEY}` });
    const presigned = await sendRequest({ url, headers: { range: "bytes=5-9" } });
    expect([presigned.status, presigned.body.length]).toEqual([200, SIZE]);
  });

  it("says so when it was not given the credentials for that", async () => {
    const bare = await startFaultProxy(standIn.endpoint);
    bare.add({ fault: faults.wholeBody() });
    const access = { ...standIn, endpoint: bare.endpoint };
    const answer = await sendRequest(
      await signRequest(access, { path: `${bucket}/${KEY}`, headers: { range: "bytes=5-9" } }),
    );
    expect([answer.status, xmlCode(answer.text)]).toEqual([501, "FaultProxyMisuse"]);
    await bare.close();
  });

  const lengths = (answer: Awaited<ReturnType<typeof get>>) => ({
    length: answer.body.length,
    contentLength: answer.headers["content-length"],
    contentRange: answer.headers["content-range"],
  });

  it("fewer bytes, told in the headers or not", async () => {
    const rule = proxy.add({ fault: faults.shortBody(10) });
    expect(lengths(await get("bytes=100-199"))).toEqual({
      length: 90,
      contentLength: "90",
      contentRange: `bytes 100-189/${SIZE}`,
    });
    rule.remove();
    const half = proxy.add({ fault: faults.shortBody(10, { contentRange: "kept" }) });
    expect(lengths(await get("bytes=100-199"))).toEqual({
      length: 90,
      contentLength: "90",
      contentRange: `bytes 100-199/${SIZE}`,
    });
    half.remove();
    proxy.add({ fault: faults.shortBody(10, { contentLength: "kept" }) });
    expect(await getBroken("bytes=100-199")).toEqual({ received: 90, status: 206, code: "ECONNRESET" });
  });

  it("more bytes, told in the headers or not", async () => {
    const rule = proxy.add({ fault: faults.longBody(10, { contentRange: "kept" }) });
    const answer = await get("bytes=100-199");
    expect(lengths(answer)).toEqual({
      length: 110,
      contentLength: "110",
      contentRange: `bytes 100-199/${SIZE}`,
    });
    expect(fingerprint(answer.body.subarray(0, 100))).toBe(fingerprint(bytes.subarray(100, 200)));
    rule.remove();
    proxy.add({ fault: faults.longBody(10, { contentLength: "kept" }) });
    const url = await presign(proxy.access, { path: `${bucket}/${KEY}` });
    // What lies behind the announced end is nobody's answer, and spoils the connection for the next request.
    const first = await fetch(url, { headers: { range: "bytes=100-199" } });
    expect((await first.arrayBuffer()).byteLength).toBe(100);
  });

  it("the bytes of another place, told in the headers or not", async () => {
    const rule = proxy.add({ fault: faults.shiftedBody(7) });
    const honest = await get("bytes=100-199");
    expect(honest.headers["content-range"]).toBe(`bytes 107-206/${SIZE}`);
    expect(fingerprint(honest.body)).toBe(fingerprint(bytes.subarray(107, 207)));
    rule.remove();
    proxy.add({ fault: faults.shiftedBody(7, { contentRange: "kept" }) });
    const lying = await get(`bytes=${SIZE - 100}-${SIZE - 1}`);
    expect(lying.headers["content-range"]).toBe(`bytes ${SIZE - 100}-${SIZE - 1}/${SIZE}`);
    expect(lying.body.length).toBe(100);
    expect(fingerprint(lying.body.subarray(0, 93))).toBe(fingerprint(bytes.subarray(SIZE - 93)));
  });

  it.each<[string, Fault, string, (etag: string) => string | undefined]>([
    ["wrong Content-Range", faults.wrongContentRange(1), "content-range", () => `bytes 1-10/${SIZE}`],
    ["wrong total", faults.wrongTotal(5), "content-range", () => `bytes 0-9/${SIZE + 5}`],
    ["garbled Content-Range", faults.garbledContentRange(), "content-range", () => "bytes of some kind"],
    ["missing Content-Range", faults.missingContentRange(), "content-range", () => undefined],
    ["missing ETag", faults.missingETag(), "etag", () => undefined],
    ["changed ETag", faults.changedETag(), "etag", () => '"0123456789abcdef0123456789abcdef"'],
    ["weak ETag", faults.weakETag(), "etag", (etag) => `W/${etag}`],
  ])("%s, with the right bytes", async (name, fault, header, expected) => {
    const etag = String((await get()).headers.etag);
    proxy.add({ fault });
    const answer = await get("bytes=0-9");
    expect(answer.headers[header]).toBe(expected(etag));
    expect(fingerprint(answer.body)).toBe(fingerprint(bytes.subarray(0, 10)));
    expect(proxy.requests[1]?.fault).toBe(name);
  });

  it("a compressed body", async () => {
    proxy.add({ fault: faults.gzip() });
    const answer = await get("bytes=0-999");
    expect(answer.headers["content-encoding"]).toBe("gzip");
    expect(answer.headers["content-length"]).toBe(String(answer.body.length));
    expect(fingerprint(gunzipSync(answer.body))).toBe(fingerprint(bytes.subarray(0, 1000)));
  });

  it("an object that is replaced between two reads", async () => {
    const { etag } = (await get("bytes=0-9")).headers;
    proxy.add({ fault: faults.before(() => putDirectly(KEY, "another object")), times: 1 });
    const second = await get("bytes=0-9", { "if-match": String(etag) });
    expect(second.status).toBe(412);
    expect((await get("bytes=0-9")).text).toBe("another ob");
  });
});

describe("rules", () => {
  it("are for requests by method, path, range and query", async () => {
    const rules = [
      proxy.add({ when: { method: ["PUT", "POST"] }, fault: faults.serverError() }),
      proxy.add({ when: { path: "other" }, fault: faults.serverError() }),
      proxy.add({ when: { range: false }, fault: faults.serverError() }),
      proxy.add({ when: { query: "uploads" }, fault: faults.serverError() }),
      proxy.add({ when: { range: /^bytes=7-/, path: /key$/ }, fault: faults.slowDown() }),
    ];
    expect((await get("bytes=0-9")).status).toBe(206);
    expect((await put("x")).status).toBe(500);
    expect((await get()).status).toBe(500);
    expect((await get("bytes=7-9")).status).toBe(503);
    expect(rules.map((rule) => rule.hits)).toEqual([1, 0, 1, 0, 1]);
  });

  it("are for the nth request, so many times, or at random with a seed", async () => {
    proxy.add({ when: { nth: 2 }, fault: faults.serverError() });
    proxy.add({ when: { nth: (n) => n > 3 }, fault: faults.slowDown(), times: 2 });
    const statuses: number[] = [];
    for (let n = 0; n < 7; n += 1) statuses.push((await get("bytes=0-0")).status);
    expect(statuses).toEqual([206, 500, 206, 503, 503, 206, 206]);
    proxy.clear();
    const choices = (): boolean[] => Array.from({ length: 200 }, sometimes(0.3, 5));
    expect(choices()).toEqual(choices());
    const share = choices().filter(Boolean).length;
    expect(share).toBeGreaterThan(40);
    expect(share).toBeLessThan(80);
  });
});

describe("a slow way", () => {
  it("delays each request, all of them at once", async () => {
    proxy.setLink({ latencyMs: 100 });
    const started = performance.now();
    await Promise.all(Array.from({ length: 5 }, () => get("bytes=0-0")));
    const parallel = performance.now() - started;
    expect(parallel).toBeGreaterThanOrEqual(100);
    for (const { tookMs } of proxy.requests) expect(tookMs).toBeGreaterThanOrEqual(99);
  });

  it("bounds the bytes of all requests together, in each direction", async () => {
    proxy.setLink({ bytesPerSecond: 500_000 });
    const down = performance.now();
    await Promise.all([get("bytes=0-99999"), get("bytes=0-99999")]);
    expect(performance.now() - down).toBeGreaterThanOrEqual(390);
    const up = performance.now();
    await put(patterned(200_000), "up");
    expect(performance.now() - up).toBeGreaterThanOrEqual(390);
  });
});

describe("a name that no DNS resolves", () => {
  it("is one", async () => {
    const client = new S3Client({
      ...standIn,
      endpoint: UNRESOLVABLE_ENDPOINT,
      forcePathStyle: true,
      maxAttempts: 1,
    });
    const read = client.send(new GetObjectCommand({ Bucket: bucket, Key: KEY }));
    await expect(read).rejects.toMatchObject({ code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) });
    client.destroy();
  });
});

describe("many requests at once", () => {
  it("all come through, with faults among them, and leave nothing pending", async () => {
    const chosen = sometimes(0.2, 3);
    proxy.add({ when: { test: chosen }, fault: faults.resetWithin(100) });
    const url = await presign(proxy.access, { path: `${bucket}/${KEY}` });
    const read = async (n: number): Promise<"right" | "broken" | "wrong"> => {
      try {
        const answer = await fetch(url, { headers: { range: `bytes=${n}-${n + 999}` } });
        const part = Buffer.from(await answer.arrayBuffer());
        return part.equals(bytes.subarray(n, n + 1000)) ? "right" : "wrong";
      } catch {
        return "broken";
      }
    };
    const outcomes = await Promise.all(Array.from({ length: 500 }, (_, n) => read(n)));
    expect(outcomes.filter((outcome) => outcome === "wrong")).toEqual([]);
    const broken = proxy.requests.filter(({ fault }) => fault !== undefined).length;
    expect(outcomes.filter((outcome) => outcome === "broken").length).toBe(broken);
    expect(broken).toBeGreaterThan(50);
    await expect.poll(() => proxy.pending).toBe(0);
  });
});
