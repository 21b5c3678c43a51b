import type { S3Differences } from "../src/contracts/s3.js";
import type { S3ServerKind } from "../src/s3/launcher.js";

const likeS3 = {
  truncatedUnsignedPut: "refused",
  unknownKey: { status: 403, code: "InvalidAccessKeyId" },
  uploadIdMarker: "followed",
  corsHeaderPatterns: "known",
  wrongObjectChecksum: { status: 400, code: "BadDigest" },
  conditionalDelete: "honored",
} as const;

/** The known differences of each server from S3. */
export const s3Differences: Readonly<Record<S3ServerKind, S3Differences>> = {
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
  rclone: {
    name: "rclone",
    ...likeS3,
    cors: "unsupported",
    fails: [
      // 1.76.0 refuses suffix ranges longer than the object with a 416 that states no size.
      "ranges > returns bytes=-200000, clipped to the object",
      "errors > are XML with code and message, and 416 states the size",
      // It has no policies of buckets.
      "a public bucket > serves objects with their content types to requests without a signature, and nothing else",
      // It does not store full-object checksums, and does not verify checksums of parts.
      ...["CRC32", "CRC32C", "CRC64NVME"].flatMap((name) => [
        `full-object checksums of multipart uploads > accepts and stores the right ${name} of the whole object`,
        `full-object checksums of multipart uploads > rejects a wrong ${name} of the whole object`,
      ]),
      "full-object checksums of multipart uploads > rejects a part with a wrong checksum",
      "bodies and checksums > rejects a body that does not match the signed SHA-256",
      "multipart > derives the ETag from the parts' MD5s and their number",
      "multipart > uses the last upload of a part number, and omits parts that are not named",
      "multipart > rejects a part below 5 MiB that is not the last",
    ],
  },
  moto: {
    name: "moto",
    ...likeS3,
    fails: [
      // 5.2.5 verifies no signatures, no hashes and no checksums.
      "a public bucket > serves objects with their content types to requests without a signature, and nothing else",
      "signatures in the header > accepts a signature by the right secret, and rejects another",
      "signatures in the header > rejects an unknown key id and an unsigned request",
      "signatures in the header > rejects a request that differs from the signed one",
      "signatures in the header > rejects an expired signature",
      "presigned URLs > allows the signed write with the URL alone, and no other",
      "presigned URLs > rejects an expired URL and one signed with a wrong secret",
      "bodies and checksums > rejects a body that does not match the signed SHA-256",
      ...["Content-MD5", "CRC32", "CRC32C", "CRC64NVME", "SHA256"].map(
        (name) => `bodies and checksums > rejects a body with a wrong ${name}, and keeps the old object`,
      ),
      ...["CRC32C", "CRC64NVME"].map(
        (name) =>
          `full-object checksums of multipart uploads > accepts and stores the right ${name} of the whole object`,
      ),
      ...["CRC32", "CRC32C", "CRC64NVME"].map(
        (name) => `full-object checksums of multipart uploads > rejects a wrong ${name} of the whole object`,
      ),
      "full-object checksums of multipart uploads > rejects a part with a wrong checksum",
      // It ignores conditions of completions and of copies.
      "conditional completion > replaces with If-Match of the current ETag, and responds 412 to another",
      "conditional completion > responds 404 to If-Match on a missing key",
      "CopyObject > copies a source only if it matches CopySourceIfMatch",
      "UploadPartCopy > rejects a source that no longer matches CopySourceIfMatch",
      "UploadPartCopy > rejects a range beyond the end of the source",
      "multipart > rejects missing parts and parts out of order",
      "multipart > responds NoSuchUpload after an abort or a completion",
      "listing uploads and parts > lists uploads in progress in pages, by prefix and key",
      "listing uploads and parts > continues between uploads of one key as recorded for this server",
      // It allows every origin.
      "CORS > allows preflights of signed range reads and of writes from the allowed origin",
      "CORS > allows no preflight from another origin",
      "CORS > sends no CORS headers to a page of another origin",
      "CORS > allows nothing for a bucket without rules",
      "errors > reject a document that is not XML",
    ],
  },
};
