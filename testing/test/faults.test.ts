import { request as httpRequest } from "node:http";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { fingerprint, patterned, xmlCode } from "../src/contracts/s3/subject.js";
import { type Fault, faults } from "../src/faults/fault.js";
import { startFaultProxy } from "../src/faults/proxy.js";
import { setCors } from "../src/s3/client.js";
import { presign, sendRequest, signRequest } from "../src/s3/signing.js";
import { bytes, faultSubject, KEY, SIZE } from "./fault-subject.js";

const subject = faultSubject();

/** What a client receives before the connection breaks, and the error that it gets. */
async function getBroken(
  range: string,
): Promise<{ received: number; status: number | undefined; code: string }> {
  const signed = await signRequest(subject.proxy.access, {
    path: `${subject.bucket}/${KEY}`,
    headers: { range },
  });
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
      response.on("end", () => reject(new Error("the response was complete")));
    });
    outgoing.on("error", broke);
    outgoing.end();
  });
}

describe("reset", () => {
  it("before the request is forwarded leaves the server unchanged", async () => {
    subject.proxy.add({ when: { method: "PUT" }, fault: faults.resetBefore() });
    await expect(subject.put("new")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect((await subject.get()).body.length).toBe(SIZE);
  });

  it("within the request's body", async () => {
    subject.proxy.add({ when: { method: "PUT" }, fault: faults.resetInRequest(100_000) });
    await expect(subject.put(patterned(200_000))).rejects.toThrow();
    expect(subject.proxy.requests[0]?.bytesUp).toBe(100_000);
    expect(fingerprint((await subject.get()).body)).toBe(fingerprint(bytes));
  });

  it("after the server has processed the request", async () => {
    subject.proxy.add({ when: { method: "PUT" }, fault: faults.resetProcessed() });
    await expect(subject.put("done")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect((await subject.get()).text).toBe("done");
  });

  it("after the response's headers", async () => {
    subject.proxy.add({ fault: faults.resetAfterHeaders() });
    expect(await getBroken("bytes=0-99999")).toEqual({ received: 0, status: 206, code: "ECONNRESET" });
  });

  it("within the response's body, after a number of bytes or half of them", async () => {
    const rule = subject.proxy.add({ fault: faults.resetWithin(12_345) });
    expect(await getBroken("bytes=0-99999")).toEqual({ received: 12_345, status: 206, code: "ECONNRESET" });
    rule.remove();
    subject.proxy.add({ fault: faults.resetWithin() });
    expect((await getBroken("bytes=0-99999")).received).toBe(50_000);
  });

  it("after the complete body", async () => {
    subject.proxy.add({ fault: faults.resetAfter() });
    expect((await subject.get("bytes=0-9")).body.length).toBe(10);
  });
});

describe("stall", () => {
  it.each<[string, Fault]>([
    ["before", faults.stallBefore()],
    ["after the headers", faults.stallAfterHeaders()],
    ["within the body", faults.stallWithin(1000)],
  ])("%s, until the client gives up", async (_where, fault) => {
    subject.proxy.add({ fault });
    const signed = await signRequest(subject.proxy.access, { path: `${subject.bucket}/${KEY}` });
    const signal = AbortSignal.timeout(300);
    const whole = fetch(signed.url, { headers: { ...signed.headers }, signal }).then((r) => r.arrayBuffer());
    await expect(whole).rejects.toMatchObject({ name: "TimeoutError" });
    await expect.poll(() => subject.proxy.pending).toBe(0);
  });

  it("for a while, then continues", async () => {
    subject.proxy.add({ fault: faults.stallWithin(1000, 200) });
    const answer = await subject.get();
    expect(fingerprint(answer.body)).toBe(fingerprint(bytes));
    expect(subject.proxy.requests[0]?.tookMs).toBeGreaterThan(190);
  });
});

describe("error responses", () => {
  it.each<[string, Fault, number, string]>([
    ["500", faults.serverError(), 500, "InternalError"],
    ["503", faults.slowDown(), 503, "SlowDown"],
    ["403", faults.expired(), 403, "AccessDenied"],
    ["400", faults.expiredToken(), 400, "ExpiredToken"],
  ])("%s with S3's code", async (_name, fault, status, code) => {
    subject.proxy.add({ fault });
    const answer = await subject.get();
    expect([answer.status, xmlCode(answer.text)]).toEqual([status, code]);
  });

  it("429 with Retry-After", async () => {
    subject.proxy.add({ fault: faults.tooManyRequests(3) });
    const answer = await subject.get();
    expect([answer.status, answer.headers["retry-after"]]).toEqual([429, "3"]);
  });

  it("are readable by a page, and preflights pass", async () => {
    await setCors(subject.standIn, subject.bucket, ["http://page.example"]);
    subject.proxy.add({ fault: faults.slowDown() });
    const url = await presign(subject.proxy.access, { path: `${subject.bucket}/${KEY}` });
    const headers = { origin: "http://page.example", "access-control-request-method": "GET" };
    const preflight = await sendRequest({ url, method: "OPTIONS", headers });
    expect(preflight.status).toBe(200);
    const answer = await sendRequest({ url, headers: { origin: "http://page.example" } });
    expect([answer.status, answer.headers["access-control-allow-origin"]]).toEqual([503, "*"]);
  });
});

describe("wrong responses", () => {
  it("200 with the whole object, also if the range is signed", async () => {
    subject.proxy.add({ fault: faults.wholeBody() });
    const signed = await subject.get("bytes=5-9");
    expect([signed.status, fingerprint(signed.body)]).toEqual([200, fingerprint(bytes)]);
    expect(signed.headers["content-range"]).toBeUndefined();
    const url = await presign(subject.proxy.access, { path: `${subject.bucket}/${KEY}` });
    const presigned = await sendRequest({ url, headers: { range: "bytes=5-9" } });
    expect([presigned.status, presigned.body.length]).toEqual([200, SIZE]);
  });

  it("responds 501 without the credentials to sign the request again", async () => {
    const bare = await startFaultProxy(subject.standIn.endpoint);
    bare.add({ fault: faults.wholeBody() });
    const access = { ...subject.standIn, endpoint: bare.endpoint };
    const answer = await sendRequest(
      await signRequest(access, { path: `${subject.bucket}/${KEY}`, headers: { range: "bytes=5-9" } }),
    );
    expect([answer.status, xmlCode(answer.text)]).toEqual([501, "FaultProxyMisuse"]);
    await bare.close();
  });

  const lengths = (answer: Awaited<ReturnType<typeof subject.get>>) => ({
    length: answer.body.length,
    contentLength: answer.headers["content-length"],
    contentRange: answer.headers["content-range"],
  });

  it("fewer bytes, with updated or original headers", async () => {
    const rule = subject.proxy.add({ fault: faults.shortBody(10) });
    expect(lengths(await subject.get("bytes=100-199"))).toEqual({
      length: 90,
      contentLength: "90",
      contentRange: `bytes 100-189/${SIZE}`,
    });
    rule.remove();
    const half = subject.proxy.add({ fault: faults.shortBody(10, { contentRange: "original" }) });
    expect(lengths(await subject.get("bytes=100-199"))).toEqual({
      length: 90,
      contentLength: "90",
      contentRange: `bytes 100-199/${SIZE}`,
    });
    half.remove();
    subject.proxy.add({ fault: faults.shortBody(10, { contentLength: "original" }) });
    expect(await getBroken("bytes=100-199")).toEqual({ received: 90, status: 206, code: "ECONNRESET" });
  });

  it("more bytes, with updated or original headers", async () => {
    const rule = subject.proxy.add({ fault: faults.longBody(10, { contentRange: "original" }) });
    const answer = await subject.get("bytes=100-199");
    expect(lengths(answer)).toEqual({
      length: 110,
      contentLength: "110",
      contentRange: `bytes 100-199/${SIZE}`,
    });
    expect(fingerprint(answer.body.subarray(0, 100))).toBe(fingerprint(bytes.subarray(100, 200)));
    rule.remove();
    subject.proxy.add({ fault: faults.longBody(10, { contentLength: "original" }) });
    const url = await presign(subject.proxy.access, { path: `${subject.bucket}/${KEY}` });
    // Bytes after the announced length belong to no response: the connection must not be reused.
    const first = await fetch(url, { headers: { range: "bytes=100-199" } });
    expect((await first.arrayBuffer()).byteLength).toBe(100);
  });

  it("bytes of another offset, with updated or original headers", async () => {
    const rule = subject.proxy.add({ fault: faults.shiftedBody(7) });
    const honest = await subject.get("bytes=100-199");
    expect(honest.headers["content-range"]).toBe(`bytes 107-206/${SIZE}`);
    expect(fingerprint(honest.body)).toBe(fingerprint(bytes.subarray(107, 207)));
    rule.remove();
    subject.proxy.add({ fault: faults.shiftedBody(7, { contentRange: "original" }) });
    const lying = await subject.get(`bytes=${SIZE - 100}-${SIZE - 1}`);
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
    const etag = String((await subject.get()).headers.etag);
    subject.proxy.add({ fault });
    const answer = await subject.get("bytes=0-9");
    expect(answer.headers[header]).toBe(expected(etag));
    expect(fingerprint(answer.body)).toBe(fingerprint(bytes.subarray(0, 10)));
    expect(subject.proxy.requests[1]?.fault).toBe(name);
  });

  it("a gzipped body", async () => {
    subject.proxy.add({ fault: faults.gzip() });
    const answer = await subject.get("bytes=0-999");
    expect(answer.headers["content-encoding"]).toBe("gzip");
    expect(answer.headers["content-length"]).toBe(String(answer.body.length));
    expect(fingerprint(gunzipSync(answer.body))).toBe(fingerprint(bytes.subarray(0, 1000)));
  });

  it("an object replaced between two reads", async () => {
    const { etag } = (await subject.get("bytes=0-9")).headers;
    subject.proxy.add({ fault: faults.before(() => subject.putDirectly(KEY, "another object")), times: 1 });
    const second = await subject.get("bytes=0-9", { "if-match": String(etag) });
    expect(second.status).toBe(412);
    expect((await subject.get("bytes=0-9")).text).toBe("another ob");
  });
});
