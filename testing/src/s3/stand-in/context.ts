import { randomBytes } from "node:crypto";
import type { StandInBehavior } from "./behavior.js";
import { type ReceivedBody, receiveBody, receiveText } from "./body.js";
import type { Bucket, Storage } from "./buckets.js";
import type { ChecksumAlgorithm } from "./checksums.js";
import type { S3Request } from "./request.js";

/** One authenticated request, with the storage it acts on. */
export class Context {
  readonly request: S3Request;
  readonly storage: Storage;
  readonly behavior: StandInBehavior;
  readonly #payloadHash: string;

  constructor(request: S3Request, storage: Storage, behavior: StandInBehavior, payloadHash: string) {
    this.request = request;
    this.storage = storage;
    this.behavior = behavior;
    this.#payloadHash = payloadHash;
  }

  /** @throws S3Error NoSuchBucket */
  get bucket(): Bucket {
    return this.storage.bucket(this.request.bucket);
  }

  /** The quoted ETag for an MD5 in hex: the MD5 itself, or random digits if ETags are opaque. */
  etag(md5: string): string {
    return `"${this.behavior.etags === "opaque" ? randomBytes(16).toString("hex") : md5}"`;
  }

  /** Receives the body; see {@link receiveBody}. */
  body(also?: ChecksumAlgorithm): Promise<ReceivedBody> {
    return receiveBody(this.request, this.#payloadHash, this.storage.spill, also);
  }

  /** Receives the XML document; see {@link receiveText}. */
  text(checksums: "of-document" | "of-object" = "of-document"): Promise<string> {
    return receiveText(this.request, this.#payloadHash, this.storage.spill, checksums);
  }
}
