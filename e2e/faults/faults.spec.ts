import { encodeArchive, type Value } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import {
  armReadingFault,
  documentedOutcomes,
  type FaultProxy,
  readingFaults,
  setCors,
  stallMsOf,
  startFaultProxy,
} from "@peekpack/testing";
import {
  type FaultyPlace,
  faultyArchive,
  faultyDocument,
  type Operation,
} from "@peekpack/testing/contracts/faulty-reads";
import { expect } from "@playwright/test";
import { onEachServer, test } from "../browser-test.js";
import { type ServedPage, servePage } from "../served-page.js";

const archive = faultyArchive();
/** The same values with other bytes. */
const other = encodeArchive(faultyDocument() as Value, { smallObjectThreshold: 512 });

/**
 * One operation of each kind of request: of first contact, of one long range, of several ranges. `leaf` and `slice` request one range as
 * `select` does, a shorter one; in Node `testing/test/faults-reading.test.ts` runs all.
 */
const OPERATIONS = ["open", "readMany", "select"] as const satisfies readonly Operation[];

/** Faults for real servers: one of each kind that browsers may handle differently from Node. */
const FEW = [
  "connection reset within the body",
  "a body that stops",
  "429 with Retry-After in seconds",
  "403, a URL that has expired, and that comes from a function",
  "200 with the whole object, of at most 4 MiB",
  "no Content-Range",
  "no ETag",
  "a gzipped body",
  "an object that is replaced",
];

onEachServer((place, kind) => {
  let served: ServedPage | undefined;
  let proxy: FaultProxy;
  let outcomes: Awaited<ReturnType<typeof documentedOutcomes>>;
  test.beforeAll(async () => {
    const { server, bucket } = place();
    outcomes = await documentedOutcomes();
    served = await servePage("faults/page");
    await setCors(server, bucket, [served.origin]);
    proxy = await startFaultProxy(server);
  });
  test.afterAll(async () => {
    await proxy?.close();
    await served?.close();
  });

  for (const [name, met] of Object.entries(readingFaults)) {
    if (kind !== "stand-in" && !FEW.includes(name)) continue;
    test(`a page meets ${name}`, async ({ page }) => {
      const { server, bucket } = place();
      const path = `${bucket}/an archive`;
      let stored: Uint8Array | undefined;
      let putting = Promise.resolve();
      // One after the other: several requests may replace the object, and the last of them may outlast the operation.
      const put = (bytes: Uint8Array): Promise<void> => {
        putting = putting.then(async () => {
          if (stored !== bytes) await s3Store(server).target(path).putObject(bytes);
          stored = bytes;
        });
        return putting;
      };
      let times = 1;
      await page.exposeFunction("arm", () => armReadingFault(proxy, met, times, () => put(other)));
      await page.goto(served!.origin);

      const secrets = [
        server.credentials.accessKeyId,
        server.credentials.secretAccessKey,
        ..."X-Amz- x-amz- Signature= AWS4-HMAC ?".split(" "),
      ];
      const found: Record<string, string> = {};
      const expected: Record<string, string | undefined> = {};
      for (times of [1, Number.POSITIVE_INFINITY]) {
        for (const operation of OPERATIONS) {
          proxy.clear();
          proxy.reset();
          await put(archive);
          const from: FaultyPlace = {
            ...proxy.access,
            path,
            by: "signature",
            stallMs: stallMsOf(name, times),
            ...("endpoint" in met
              ? { astray: met.endpoint }
              : { by: met.by ?? "signature", wholeBytes: met.wholeBytes }),
          };
          const opening = operation === "open";
          const { outcome, told, message } = await page.evaluate(
            ([from, operation, when]) => window.read(from, operation, when),
            [from, operation, opening ? "from the start" : "once open"] as const,
          );
          const documented = outcomes.get(name)!;
          const title = `${times === 1 ? "once" : "always"}: ${operation}`;
          found[title] = outcome;
          expected[title] = times === 1 ? documented.once : opening ? documented.opening : documented.reading;
          expect(told).toContain(bucket);
          const revealed = secrets.filter((secret) => told.includes(secret));
          expect(revealed, message).toEqual([]);
        }
      }
      proxy.clear();
      expect(found).toEqual(expected);
    });
  }
});
