import {
  type BuiltPageIndex,
  type ByteRange,
  buildPageIndex,
  PeekpackError,
  type RangeSource,
  readEngine,
} from "@peekpack/core";
import { S3_LIMITS, S3Error, type UploadTarget } from "@peekpack/s3";
import { type ArchivePlace, archiveEnd } from "./archive-end.js";

/** An object on S3, what reads it, and what replaces one version of it. */
export interface IndexedObject {
  readonly name: string;
  readonly bucket: string;
  readonly key: string;
  readonly source: RangeSource;
  target(etag: string): UploadTarget;
}

/**
 * Replaces an object by itself and the page index of its archive. The server copies the archive; only the index is uploaded. The
 * object is replaced only if it is still the version that was read.
 * @param onBytes called with the bytes that are done, and all of them
 * @throws PeekpackError `changed` if the object was replaced meanwhile; `conflict` if the server exposes no ETag;
 *   `unsupported-value` if other bytes follow the archive, if it cannot be indexed, or if the server copies no parts
 */
export async function indexObject(
  { name, bucket, key, source, target }: IndexedObject,
  place: ArchivePlace,
  onBytes: (done: number, all: number) => void,
): Promise<BuiltPageIndex> {
  const { signal } = place;
  const reader = readEngine(source, { cacheBytes: 0, readAhead: 0 });
  const { end, size, version } = await archiveEnd(reader, name, place);
  if (version === undefined || !version.startsWith('"')) {
    throw new PeekpackError(
      "conflict",
      `${name}: the server exposes no ETag. Without it, what others write meanwhile could be lost: use --sidecar`,
    );
  }
  const built = await buildPageIndex(source, place);
  const to = target(version);
  // UploadPartCopy accepts ranges only of objects of more than 5 MiB, and every part but the last has at least 5 MiB.
  if (end < S3_LIMITS.minPart || size <= S3_LIMITS.minPart) {
    const [archive = new Uint8Array(0)] = await reader.read([{ start: 0, end }], { signal });
    await to.putObject(Buffer.concat([archive, built.bytes]), { signal });
    return built;
  }
  const upload = await to.createUpload({ signal, checksums: false });
  try {
    const parts = [];
    for (const range of copiedRanges(end)) {
      const from = { bucket, key, ifMatch: version, ...range };
      parts.push(await copyPart(to, name, (copy) => copy(upload, parts.length + 1, from, { signal })));
      onBytes(range.end, end + built.bytes.length);
    }
    parts.push(await to.uploadPart(upload, parts.length + 1, built.bytes, { signal }));
    await to.completeUpload(upload, parts, { signal });
  } catch (error) {
    // Reports the first error. A sweep finds what cannot be removed now.
    await to.abortUpload(upload).catch(() => {});
    throw error;
  }
  return built;
}

/** Ranges of nearly equal length from 0 to `end`, none longer than a part may be. */
function* copiedRanges(end: number): Generator<ByteRange> {
  const count = Math.ceil(end / S3_LIMITS.maxPart);
  for (let i = 0; i < count; i++) {
    yield { start: Math.floor((end * i) / count), end: Math.floor((end * (i + 1)) / count) };
  }
}

async function copyPart<T>(
  target: UploadTarget,
  name: string,
  copy: (copyPart: NonNullable<UploadTarget["copyPart"]>) => Promise<T>,
): Promise<T> {
  try {
    if (target.copyPart !== undefined) return await copy(target.copyPart.bind(target));
  } catch (error) {
    // Servers without copies respond in many ways: 501, 405, 411, 400, 403.
    if (!(error instanceof S3Error) || (error.code !== "denied" && error.code !== "limit")) throw error;
  }
  throw new PeekpackError(
    "unsupported-value",
    `${name}: the server does not copy parts: write the index beside the archive with --sidecar`,
  );
}
