import { type ReceivedBody, receiveBody, receiveText } from "./body.js";
import type { Bucket, Storage } from "./buckets.js";
import type { ChecksumAlgorithm } from "./checksums.js";
import type { S3Request } from "./request.js";

/** One authenticated request, with the storage it acts on. */
export class Context {
  readonly request: S3Request;
  readonly storage: Storage;
  readonly #payloadHash: string;

  constructor(request: S3Request, storage: Storage, payloadHash: string) {
    this.request = request;
    this.storage = storage;
    this.#payloadHash = payloadHash;
  }

  /** @throws S3Error NoSuchBucket */
  get bucket(): Bucket {
    return this.storage.bucket(this.request.bucket);
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
