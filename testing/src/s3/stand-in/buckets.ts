import type { Checksum, ChecksumAlgorithm, ChecksumType } from "./checksums.js";
import { type Content, SpillDirectory } from "./content.js";
import type { CorsRule } from "./cors-rule.js";
import { noSuchBucket, noSuchKey, noSuchUpload, S3Error } from "./s3-error.js";

/** Headers stored with an object and returned by reads: content-type, x-amz-meta-… */
export type ObjectHeaders = Readonly<Record<string, string>>;

export interface StoredObject {
  readonly content: Content;
  /** Quoted. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
  readonly headers: ObjectHeaders;
  readonly checksum: Checksum | undefined;
}

export interface Part {
  readonly content: Content;
  /** Quoted. */
  readonly etag: string;
  readonly lastModified: number;
  /** Base64 digest by the upload's algorithm, else by the part's own. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined;
}

export interface Upload {
  readonly id: string;
  readonly key: string;
  readonly initiated: number;
  readonly headers: ObjectHeaders;
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: ChecksumType | undefined;
  readonly parts: Map<number, Part>;
}

/** Compares keys by UTF-8 bytes, the order in which S3 lists them. */
export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** One bucket. Every method is synchronous, hence atomic. */
export class Bucket {
  readonly name: string;
  readonly created: number = Date.now();
  readonly uploads: Map<string, Upload> = new Map();
  corsRules: readonly CorsRule[] | undefined;
  /** The policy that everybody may read the objects, as JSON. Undefined: nobody without a signature. */
  policy: string | undefined;
  readonly #objects = new Map<string, StoredObject>();
  #sorted: readonly string[] | undefined;
  #uploadCount = 0;

  constructor(name: string) {
    this.name = name;
  }

  get size(): number {
    return this.#objects.size;
  }

  find(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  /** @throws S3Error NoSuchKey */
  get(key: string): StoredObject {
    const object = this.#objects.get(key);
    if (object === undefined) throw noSuchKey(key);
    return object;
  }

  /** Stores or replaces an object. Takes over the caller's reference to its content. */
  set(key: string, object: StoredObject): void {
    const old = this.#objects.get(key);
    if (old === undefined) this.#sorted = undefined;
    this.#objects.set(key, object);
    old?.content.release();
  }

  delete(key: string): void {
    const old = this.#objects.get(key);
    if (old === undefined) return;
    this.#objects.delete(key);
    this.#sorted = undefined;
    old.content.release();
  }

  /** All keys, ordered by bytes. */
  keys(): readonly string[] {
    this.#sorted ??= [...this.#objects.keys()].sort(byBytes);
    return this.#sorted;
  }

  /** @throws S3Error NoSuchUpload, also if the upload belongs to another key */
  upload(id: string, key: string): Upload {
    const upload = this.uploads.get(id);
    if (upload === undefined || upload.key !== key) throw noSuchUpload(id);
    return upload;
  }

  /** A new upload id. Ids sort by age. */
  newUploadId(): string {
    this.#uploadCount += 1;
    const random = Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString("hex");
    return `${this.#uploadCount.toString(16).padStart(8, "0")}${random}`;
  }

  /** Removes an upload and its parts. */
  endUpload(upload: Upload): void {
    this.uploads.delete(upload.id);
    for (const part of upload.parts.values()) part.content.release();
    upload.parts.clear();
  }
}

/** All data of the stand-in. Survives a restart of the server. */
export class Storage {
  readonly buckets: Map<string, Bucket> = new Map();
  readonly spill: SpillDirectory = new SpillDirectory();

  /** @throws S3Error NoSuchBucket */
  bucket(name: string): Bucket {
    const bucket = this.buckets.get(name);
    if (bucket === undefined) throw noSuchBucket(name);
    return bucket;
  }

  /** @throws S3Error BucketAlreadyOwnedByYou, InvalidBucketName */
  createBucket(name: string): void {
    if (this.buckets.has(name))
      throw new S3Error(
        409,
        "BucketAlreadyOwnedByYou",
        "Your previous request to create the named bucket succeeded and you already own it.",
        { BucketName: name },
      );
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name))
      throw new S3Error(400, "InvalidBucketName", "The specified bucket is not valid.", { BucketName: name });
    this.buckets.set(name, new Bucket(name));
  }

  /** @throws S3Error BucketNotEmpty, NoSuchBucket */
  deleteBucket(name: string): void {
    const bucket = this.bucket(name);
    if (bucket.size > 0)
      throw new S3Error(409, "BucketNotEmpty", "The bucket you tried to delete is not empty", {
        BucketName: name,
      });
    for (const upload of [...bucket.uploads.values()]) bucket.endUpload(upload);
    this.buckets.delete(name);
  }
}
