import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { encodeArchive, type Value } from "@peekpack/core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type FaultyOutcome,
  type FaultyPlace,
  faultyArchive,
  faultyDocument,
  OPERATIONS,
  readUnderFault,
} from "../src/contracts/faulty-reads.js";
import { documentedOutcomes } from "../src/faults/documented-outcomes.js";
import { faults } from "../src/faults/fault.js";
import { type FaultProxy, startFaultProxy } from "../src/faults/proxy.js";
import { armReadingFault, readingFaults, stallMsOf } from "../src/faults/reading-faults.js";
import { skippedAsAbsent } from "../src/live.js";
import { freshBucket, s3Client } from "../src/s3/client.js";
import { type S3Server, type S3ServerKind, startS3 } from "../src/s3/launcher.js";
import { locateS3 } from "../src/s3/locate.js";

const outcomes = await documentedOutcomes();
const archive = faultyArchive();
const other = encodeArchive(faultyDocument() as Value, { smallObjectThreshold: 512 });

it("core's README lists exactly the faults of readingFaults", () => {
  expect([...outcomes.keys()].sort()).toEqual(Object.keys(readingFaults).sort());
});

/** Faults for real servers: one of each kind. */
const FEW = [
  "connection reset before the response",
  "connection reset within the body",
  "a body that stops",
  "503 SlowDown",
  "403, a URL that has expired, and that comes from a function",
  "400 ExpiredToken",
  "200 with the whole object, of at most 4 MiB",
  "a body shorter than its Content-Length",
  "another range than requested",
  "no Content-Range",
  "a gzipped body",
  "an object that is replaced",
];

readsUnderFaults("stand-in");
for (const kind of ["rustfs", "versitygw"] as const) {
  const { here, how } = await locateS3(kind);
  if (skippedAsAbsent(`reading under faults from ${kind}`, here ? undefined : how)) {
    describe.skip(`reading under faults from ${kind}`, () => {
      it(`is absent: ${how}`, () => {});
    });
  } else {
    readsUnderFaults(kind, FEW);
  }
}

function readsUnderFaults(kind: S3ServerKind, chosen: readonly string[] = [...outcomes.keys()]): void {
  describe(`reading from ${kind}`, () => {
    let server: S3Server;
    let client: S3Client;
    let bucket: string;
    let proxy: FaultProxy;
    let stored: Uint8Array | undefined;
    beforeAll(async () => {
      server = await startS3({ require: kind, build: false });
      client = s3Client(server);
      bucket = await freshBucket(server, "faulty-reads");
    });
    afterAll(async () => {
      client.destroy();
      await server.close();
    });
    beforeEach(async () => {
      proxy = await startFaultProxy(server);
      if (stored !== archive) await put(archive);
    });
    afterEach(() => proxy.close());

    async function put(body: Uint8Array): Promise<void> {
      stored = undefined;
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: "an archive", Body: body }));
      stored = body;
    }

    describe.each(Object.entries(readingFaults).filter(([name]) => chosen.includes(name)))(
      "%s",
      (name, met) => {
        const place = (times: number): FaultyPlace => ({
          ...proxy.access,
          path: `${bucket}/an archive`,
          by: "signature",
          stallMs: stallMsOf(name, times),
          ...("endpoint" in met
            ? { astray: met.endpoint }
            : { by: met.by ?? "signature", wholeBytes: met.wholeBytes }),
        });
        /** Applies the fault to the next `times` requests. */
        const arm = (times: number) => async (): Promise<void> =>
          armReadingFault(proxy, met, times, () => put(other));
        for (const operation of OPERATIONS) {
          const when = operation === "open" ? "from the start" : "once open";
          it(`once: ${operation}`, async () => {
            const done = await readUnderFault(place(1), operation, when, arm(1));
            expect(done.outcome, done.message).toBe(outcomes.get(name)?.once);
            containsNoSecret(done);
          });
          it(`always: ${operation}`, async () => {
            const times = Number.POSITIVE_INFINITY;
            const done = await readUnderFault(place(times), operation, when, arm(times));
            const { opening, reading } = outcomes.get(name)!;
            expect(done.outcome, done.message).toBe(operation === "open" ? opening : reading);
            containsNoSecret(done);
          });
        }
      },
    );

    it.each(chosen)("does not reveal a presigned URL: %s", async (name) => {
      const met = readingFaults[name]!;
      for (const by of ["url", "url function"] as const) {
        for (const when of ["from the start", "once open"] as const) {
          const place: FaultyPlace = {
            ...proxy.access,
            path: `${bucket}/an archive`,
            by,
            stallMs: stallMsOf(name, Number.POSITIVE_INFINITY),
            ...("endpoint" in met && { astray: met.endpoint }),
          };
          const done = await readUnderFault(place, "leaf", when, async () => {
            armReadingFault(proxy, met, Number.POSITIVE_INFINITY, () => put(other));
          });
          expect(done.outcome).toMatch(/^(right value|network|changed|denied)$/);
          containsNoSecret(done);
          proxy.clear();
        }
      }
    });

    it.each(OPERATIONS)(
      "wrong bytes under right headers give a value or a typed error: %s",
      async (operation) => {
        const place: FaultyPlace = {
          ...proxy.access,
          path: `${bucket}/an archive`,
          by: "signature",
          stallMs: stallMsOf("", 1),
        };
        const fault = faults.shiftedBody(7, { contentRange: "original" });
        const when = operation === "open" ? "from the start" : "once open";
        const done = await readUnderFault(place, operation, when, async () => void proxy.add({ fault }));
        expect(["wrong value", "corrupt", "not-an-archive", "truncated"]).toContain(done.outcome);
        containsNoSecret(done);
      },
    );

    function containsNoSecret({ told }: FaultyOutcome): void {
      expect(told).toContain(bucket);
      const { accessKeyId, secretAccessKey } = server.credentials;
      for (const secret of [
        accessKeyId,
        secretAccessKey,
        "X-Amz-",
        "x-amz-",
        "Signature=",
        "AWS4-HMAC",
        "?",
      ]) {
        expect(told).not.toContain(secret);
      }
    }
  });
}
