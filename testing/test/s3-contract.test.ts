import { describe, it } from "vitest";
import { type S3Differences, s3Contract } from "../src/contracts/s3.js";
import { skippedAsAbsent } from "../src/live.js";
import { type S3ServerKind, startS3 } from "../src/s3/launcher.js";
import { locateS3 } from "../src/s3/locate.js";

const likeS3 = {
  truncatedUnsignedPut: "refused",
  unknownKey: { status: 403, code: "InvalidAccessKeyId" },
  uploadIdMarker: "followed",
  corsHeaderPatterns: "known",
  wrongObjectChecksum: { status: 400, code: "BadDigest" },
} as const;

const differences: Readonly<Record<S3ServerKind, S3Differences>> = {
  "stand-in": { name: "stand-in", ...likeS3 },
  rustfs: {
    name: "rustfs",
    ...likeS3,
    // 1.0.1 supports only "*" and whole names.
    corsHeaderPatterns: "unknown",
    // 1.0.1 refuses the completion with a server error.
    wrongObjectChecksum: { status: 500, code: "InternalError" },
  },
  versitygw: {
    name: "versitygw",
    ...likeS3,
    // 1.8.0 commits the received half over the old object. peekpack always sends a checksum or a hash.
    truncatedUnsignedPut: "committed",
    unknownKey: { status: 404, code: "XAdminUserNotFound" },
    // 1.8.0 responds "Invalid uploadId marker" to the id it returned. Listing by key alone works, and so does aborting
    // the uploads of a page and listing again.
    uploadIdMarker: "refused",
  },
};

s3Contract(() => startS3({ require: "stand-in" }), differences["stand-in"]);

for (const kind of ["rustfs", "versitygw"] as const) {
  const { here, how } = await locateS3(kind);
  if (skippedAsAbsent(`the S3 contract on ${kind}`, here ? undefined : how)) {
    describe.skip(`S3 contract: ${kind}`, () => {
      it(`is absent: ${how}`, () => {});
    });
  } else {
    s3Contract(() => startS3({ require: kind, build: false }), differences[kind]);
  }
}
