import { describe, it } from "vitest";
import { s3Contract } from "../src/contracts/s3.js";
import { liveRequired, skippedAsAbsent } from "../src/live.js";
import { type S3ServerKind, startS3 } from "../src/s3/launcher.js";
import { locateS3 } from "../src/s3/locate.js";
import { s3Differences } from "./s3-differences.js";

s3Contract(() => startS3({ require: "stand-in" }), s3Differences["stand-in"]);

/** Servers that no run requires: they deviate from S3, and building rclone takes minutes. */
const OPTIONAL: readonly S3ServerKind[] = ["rclone", "moto"];

for (const kind of ["rustfs", "versitygw", "rclone", "moto"] as const) {
  const { here, how } = await locateS3(kind);
  const required = liveRequired() && !OPTIONAL.includes(kind);
  if (skippedAsAbsent(`the S3 contract on ${kind}`, here ? undefined : how, required)) {
    describe.skip(`S3 contract: ${kind}`, () => {
      it(`is absent: ${how}`, () => {});
    });
  } else {
    s3Contract(() => startS3({ require: kind, build: false }), s3Differences[kind]);
  }
}
