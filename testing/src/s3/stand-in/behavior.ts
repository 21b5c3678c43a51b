/** Deviations from S3 that other servers have. Default: the stand-in behaves like S3. */
export interface StandInBehavior {
  /**
   * Response to a suffix range longer than the object. "refused" is 416 without Content-Range, as rclone and gofakes3
   * send it. S3: the whole object.
   */
  readonly longSuffixRanges?: "served" | "refused" | undefined;
  /**
   * Response to a range of an empty object. "unstated" is 416 without Content-Range, "empty" is 206 with
   * "bytes 0--1/0"; rustfs sends the first for a closed range, the second for a suffix. S3: 416 with the size.
   */
  readonly emptyObjects?: "refused" | "unstated" | "empty" | undefined;
  /**
   * Conditions of CompleteMultipartUpload. "ignored", as by moto. "racy": checked before the object is assembled, not when
   * it is committed, as by s3proxy and S3Mock. S3: atomic.
   */
  readonly completionConditions?: "atomic" | "racy" | "ignored" | undefined;
  /** Prefixes for which ListMultipartUploads finds uploads. "exact": only the empty prefix and whole keys. S3: any. */
  readonly uploadPrefixes?: "any" | "exact" | undefined;
  /** Response to ListMultipartUploads without uploads. "not-found" is 404 NoSuchUpload, as by rclone. S3: an empty list. */
  readonly emptyUploadLists?: "listed" | "not-found" | undefined;
  /** Response to UploadPartCopy. "denied" is 403 AccessDenied, "length-required" 411 as by gofakes3. S3: accepted. */
  readonly copiedParts?: "accepted" | "denied" | "length-required" | undefined;
  /** Response to AbortMultipartUpload. "refused" is 405 MethodNotAllowed. S3: accepted. */
  readonly aborts?: "accepted" | "refused" | undefined;
  /**
   * Responses about an upload that was completed or aborted. "vague": Abort responds 204 and ListParts an empty list, as
   * if the upload were open. "denied": both respond 403. S3: 404 NoSuchUpload.
   */
  readonly endedUploads?: "not-found" | "vague" | "denied" | undefined;
  /** ETags of objects and parts. "opaque": random, as with SSE-KMS. S3 without KMS: derived from MD5. */
  readonly etags?: "md5" | "opaque" | undefined;
}
