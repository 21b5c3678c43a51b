import type { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, it } from "vitest";
import { freshBucket, s3Client } from "../s3/client.js";
import type { S3Server } from "../s3/launcher.js";
import { multipartChecksumTests } from "./s3/checksums.js";
import { copyTests } from "./s3/copies.js";
import { corsTests } from "./s3/cors.js";
import { listingTests } from "./s3/listing.js";
import { multipartTests } from "./s3/multipart.js";
import { objectTests } from "./s3/objects.js";
import { policyTests } from "./s3/policy.js";
import { signingTests } from "./s3/signing.js";
import type { S3Differences, S3Subject } from "./s3/subject.js";
import { writeTests } from "./s3/writes.js";

export type { S3Differences } from "./s3/subject.js";

/** Registers the tests that a server must pass to work with peekpack. Closes the server at the end. */
export function s3Contract(start: () => Promise<S3Server>, differences: S3Differences): void {
  describe(`S3 contract: ${differences.name}`, () => {
    let server: S3Server | undefined;
    let client: S3Client | undefined;
    let current: S3Subject | undefined;
    const subject = (): S3Subject => {
      if (current === undefined) throw new Error("the server is not running");
      return current;
    };
    beforeAll(async () => {
      server = await start();
      client = s3Client(server, { maxAttempts: 1 });
      current = { access: server, client, bucket: await freshBucket(server, "contract"), differences };
    });
    afterAll(async () => {
      client?.destroy();
      await server?.close();
    });
    beforeEach(({ task }) => {
      // As if it were registered by `it.fails`: the runner reads the property after the test.
      if (differences.fails?.includes(`${task.suite?.name} > ${task.name}`))
        Object.assign(task, { fails: true });
    });
    objectTests(subject);
    writeTests(subject);
    multipartTests(subject);
    multipartChecksumTests(subject);
    copyTests(subject);
    listingTests(subject);
    signingTests(subject);
    policyTests(subject);
    if (differences.cors === "unsupported") it.skip("CORS is not supported by this server", () => {});
    else corsTests(subject);
  });
}
