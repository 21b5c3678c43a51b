import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { fingerprint, MIB, patterned } from "../src/contracts/s3/subject.js";
import { faults, UNRESOLVABLE_ENDPOINT } from "../src/faults/fault.js";
import { startFaultProxy } from "../src/faults/proxy.js";
import { sometimes } from "../src/faults/rules.js";
import { skippedAsAbsent } from "../src/live.js";
import { freshBucket, s3Client } from "../src/s3/client.js";
import { startS3 } from "../src/s3/launcher.js";
import { locateS3 } from "../src/s3/locate.js";
import { presign, sendRequest, signRequest } from "../src/s3/signing.js";
import { bytes, faultSubject, KEY, SIZE } from "./fault-subject.js";

const subject = faultSubject();

describe("the fault proxy without a rule", () => {
  it("forwards signed requests, presigned requests and uploads, and counts their bytes", async () => {
    const part = await subject.get("bytes=10-19");
    expect([part.status, fingerprint(part.body)]).toEqual([206, fingerprint(bytes.subarray(10, 20))]);
    const url = await presign(subject.proxy.access, { path: `${subject.bucket}/${KEY}` });
    expect(fingerprint((await sendRequest({ url })).body)).toBe(fingerprint(bytes));
    expect((await subject.put("12345")).status).toBe(200);
    expect((await subject.get()).text).toBe("12345");
    expect(
      subject.proxy.requests.map(({ method, range, status, bytesUp, bytesDown }) => [
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
    const totals = subject.proxy.totals();
    expect(totals).toMatchObject({ requests: 4, bytesUp: 5, bytesDown: SIZE + 15 });
    expect(totals.wireDown).toBeGreaterThan(totals.bytesDown);
    expect(totals.wireUp).toBeGreaterThan(1000);
    expect(subject.proxy.pending).toBe(0);
    subject.proxy.reset();
    expect(subject.proxy.totals()).toMatchObject({ requests: 0, bytesUp: 0, bytesDown: 0 });
  });

  it("records no query and no credential", async () => {
    const url = await presign(subject.proxy.access, { path: `${subject.bucket}/${KEY}` });
    await sendRequest({ url });
    await subject.get();
    const kept = JSON.stringify(subject.proxy.requests);
    expect(subject.proxy.requests[0]?.path).toBe(`/${subject.bucket}/${KEY}`);
    expect(subject.proxy.requests[0]?.queryNames).toContain("X-Amz-Signature");
    expect(kept).not.toContain(new URL(url).searchParams.get("X-Amz-Signature"));
    expect(kept).not.toContain(subject.standIn.credentials.accessKeyId);
  });

  it("forwards requests of the AWS client with large bodies in both directions", async () => {
    const client = s3Client(subject.proxy.access, { maxAttempts: 1 });
    const large = patterned(8 * MIB, 9);
    await client.send(new PutObjectCommand({ Bucket: subject.bucket, Key: "large", Body: large }));
    const { Body } = await client.send(new GetObjectCommand({ Bucket: subject.bucket, Key: "large" }));
    expect(fingerprint((await Body?.transformToByteArray()) ?? new Uint8Array())).toBe(fingerprint(large));
    client.destroy();
  });

  it("resets the connection if there is no server", async () => {
    await subject.standIn.crash();
    await expect(subject.get()).rejects.toMatchObject({ code: "ECONNRESET" });
    await subject.standIn.restart();
    expect((await subject.get("bytes=0-0")).status).toBe(206);
  });
});

for (const kind of ["rustfs", "versitygw"] as const) {
  const { here, how } = await locateS3(kind);
  const absent = skippedAsAbsent(`the fault proxy with ${kind}`, here ? undefined : how);
  describe.skipIf(absent)(`the fault proxy with ${kind}`, () => {
    it("forwards requests signed for its own host, and signs its own requests", async () => {
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

describe("rules", () => {
  it("match requests by method, path, range and query", async () => {
    const rules = [
      subject.proxy.add({ when: { method: ["PUT", "POST"] }, fault: faults.serverError() }),
      subject.proxy.add({ when: { path: "other" }, fault: faults.serverError() }),
      subject.proxy.add({ when: { range: false }, fault: faults.serverError() }),
      subject.proxy.add({ when: { query: "uploads" }, fault: faults.serverError() }),
      subject.proxy.add({ when: { range: /^bytes=7-/, path: /key$/ }, fault: faults.slowDown() }),
    ];
    expect((await subject.get("bytes=0-9")).status).toBe(206);
    expect((await subject.put("x")).status).toBe(500);
    expect((await subject.get()).status).toBe(500);
    expect((await subject.get("bytes=7-9")).status).toBe(503);
    expect(rules.map((rule) => rule.hits)).toEqual([1, 0, 1, 0, 1]);
  });

  it("match the nth request, a number of times, or at random with a seed", async () => {
    subject.proxy.add({ when: { nth: 2 }, fault: faults.serverError() });
    subject.proxy.add({ when: { nth: (n) => n > 3 }, fault: faults.slowDown(), times: 2 });
    const statuses: number[] = [];
    for (let n = 0; n < 7; n += 1) statuses.push((await subject.get("bytes=0-0")).status);
    expect(statuses).toEqual([206, 500, 206, 503, 503, 206, 206]);
    subject.proxy.clear();
    const choices = (): boolean[] => Array.from({ length: 200 }, sometimes(0.3, 5));
    expect(choices()).toEqual(choices());
    const share = choices().filter(Boolean).length;
    expect(share).toBeGreaterThan(40);
    expect(share).toBeLessThan(80);
  });
});

describe("an action", () => {
  const happened: string[] = [];
  const { before, within, processed } = faults;
  it.each([
    ["before a request", before, [0, "old"], "old"],
    ["within a request", (what: Parameters<typeof within>[0]) => within(what, 100), [100, "old"], "old"],
    ["after the server has processed a request", processed, [1000, "new"], "new"],
  ])("%s is awaited and may reset the connection", async (_, fault, seen, left) => {
    const body = `new${".".repeat(997)}`;
    const there = async (): Promise<string> => {
      const read = await sendRequest(
        await signRequest(subject.standIn, { path: `${subject.bucket}/${KEY}`, headers: {} }),
      );
      return read.text.startsWith("new") ? "new" : "old";
    };
    const look = async (): Promise<void> => {
      expect([subject.proxy.requests.at(-1)?.bytesUp, await there()]).toEqual(seen);
      happened.push("looked");
    };
    const rule = subject.proxy.add({ fault: fault(look) });
    expect((await subject.put(body)).status).toBe(200);
    expect([happened.splice(0), await there()]).toEqual([["looked"], "new"]);
    rule.remove();
    await subject.putDirectly(KEY, bytes);
    subject.proxy.add({
      fault: fault(async () => {
        await look();
        return "reset";
      }),
    });
    await expect(subject.put(body)).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(happened.splice(0)).toEqual(["looked"]);
    expect(await there()).toBe(left);
  });
});

describe("a slow network", () => {
  it("delays concurrent requests concurrently", async () => {
    subject.proxy.setNetwork({ latencyMs: 100 });
    const started = performance.now();
    await Promise.all(Array.from({ length: 5 }, () => subject.get("bytes=0-0")));
    const parallel = performance.now() - started;
    expect(parallel).toBeGreaterThanOrEqual(100);
    for (const { tookMs } of subject.proxy.requests) expect(tookMs).toBeGreaterThanOrEqual(99);
  });

  it("limits the bandwidth of all requests together, in each direction", async () => {
    subject.proxy.setNetwork({ bytesPerSecond: 500_000 });
    const down = performance.now();
    await Promise.all([subject.get("bytes=0-99999"), subject.get("bytes=0-99999")]);
    expect(performance.now() - down).toBeGreaterThanOrEqual(390);
    const up = performance.now();
    await subject.put(patterned(200_000), "up");
    expect(performance.now() - up).toBeGreaterThanOrEqual(390);
  });
});

describe("UNRESOLVABLE_ENDPOINT", () => {
  it("does not resolve", async () => {
    const client = new S3Client({
      ...subject.standIn,
      endpoint: UNRESOLVABLE_ENDPOINT,
      forcePathStyle: true,
      maxAttempts: 1,
    });
    const read = client.send(new GetObjectCommand({ Bucket: subject.bucket, Key: KEY }));
    await expect(read).rejects.toMatchObject({ code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) });
    client.destroy();
  });
});

describe("many concurrent requests", () => {
  it("all complete, some with faults, and leave nothing in flight", async () => {
    const chosen = sometimes(0.2, 3);
    subject.proxy.add({ when: { test: chosen }, fault: faults.resetWithin(100) });
    const url = await presign(subject.proxy.access, { path: `${subject.bucket}/${KEY}` });
    const read = async (n: number): Promise<"right" | "broken" | "wrong"> => {
      try {
        const response = await fetch(url, { headers: { range: `bytes=${n}-${n + 999}` } });
        const part = Buffer.from(await response.arrayBuffer());
        return part.equals(bytes.subarray(n, n + 1000)) ? "right" : "wrong";
      } catch {
        return "broken";
      }
    };
    const outcomes = await Promise.all(Array.from({ length: 500 }, (_, n) => read(n)));
    expect(outcomes.filter((outcome) => outcome === "wrong")).toEqual([]);
    const broken = subject.proxy.requests.filter(({ fault }) => fault !== undefined).length;
    expect(outcomes.filter((outcome) => outcome === "broken").length).toBe(broken);
    expect(broken).toBeGreaterThan(50);
    await expect.poll(() => subject.proxy.pending).toBe(0);
  });
});
