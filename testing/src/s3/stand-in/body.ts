import { createHash } from "node:crypto";
import { AwsChunkedDecoder } from "./aws-chunked.js";
import {
  badDigest,
  type ChecksumAlgorithm,
  checksumAlgorithm,
  checksumAlgorithms,
  checksumHeader,
  digester,
} from "./checksums.js";
import { type Content, ContentWriter, type SpillDirectory } from "./content.js";
import { header, type S3Request } from "./request.js";
import { invalidRequest, notImplemented, S3Error } from "./s3-error.js";

const MAX_BODY_SIZE = 5 * 1024 ** 3;
const MAX_DOCUMENT_SIZE = 4 << 20;

/** A complete body whose checksums were verified. */
export interface ReceivedBody {
  /** Holds one reference, which the caller must keep or release. */
  readonly content: Content;
  /** MD5 in hex: the ETag of a plain object. */
  readonly md5: string;
  /** Digest of each requested algorithm, base64. */
  readonly digests: ReadonlyMap<ChecksumAlgorithm, string>;
}

/** The algorithm named by a request's checksum headers, if any. */
function announcedAlgorithm(request: S3Request): ChecksumAlgorithm | undefined {
  const trailer = header(request.headers, "x-amz-trailer");
  const byHeader = checksumAlgorithms.filter(
    (algorithm) =>
      request.headers[checksumHeader(algorithm)] !== undefined || trailer === checksumHeader(algorithm),
  );
  if (byHeader.length > 1) throw invalidRequest("Expecting a single x-amz-checksum- header");
  if (byHeader[0] !== undefined) return byHeader[0];
  const named = header(request.headers, "x-amz-sdk-checksum-algorithm");
  return named === undefined ? undefined : checksumAlgorithm(named);
}

function declaredLength(request: S3Request): number {
  const length =
    header(request.headers, "x-amz-decoded-content-length") ?? header(request.headers, "content-length");
  if (length === undefined || !/^\d+$/.test(length))
    throw new S3Error(411, "MissingContentLength", "You must provide the Content-Length HTTP header.");
  const bytes = Number(length);
  if (bytes > MAX_BODY_SIZE)
    throw new S3Error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
  return bytes;
}

/**
 * Receives a request's body and verifies length and checksums against headers and trailers.
 * @param also another algorithm to compute: the one that the upload was created with
 * @throws S3Error IncompleteBody, BadDigest, XAmzContentSHA256Mismatch, EntityTooLarge, MissingContentLength
 */
export async function receiveBody(
  request: S3Request,
  payloadHash: string,
  spill: SpillDirectory,
  also?: ChecksumAlgorithm,
): Promise<ReceivedBody> {
  const announced = announcedAlgorithm(request);
  const length = declaredLength(request);
  if (payloadHash.startsWith("STREAMING-AWS4"))
    throw notImplemented("signed chunks: send the payload's hash or a checksum instead");
  const chunked = payloadHash === "STREAMING-UNSIGNED-PAYLOAD-TRAILER" ? new AwsChunkedDecoder() : undefined;
  const wanted = new Set([announced, also].filter((algorithm) => algorithm !== undefined));
  const digesters = [...wanted].map((algorithm) => [algorithm, digester(algorithm)] as const);
  const md5 = createHash("md5");
  const sha256 = /^[0-9a-f]{64}$/.test(payloadHash) ? createHash("sha256") : undefined;

  const writer = new ContentWriter(spill);
  try {
    // Keep the connection open if the body is refused: the client must get the response.
    const pieces: AsyncIterable<Buffer> = request.message.iterator({ destroyOnReturn: false });
    for await (const raw of pieces) {
      for (const bytes of chunked === undefined ? [raw] : chunked.push(raw)) {
        if (writer.size + bytes.length > length) throw incomplete("more");
        md5.update(bytes);
        sha256?.update(bytes);
        for (const [, digest] of digesters) digest.update(bytes);
        await writer.write(bytes);
      }
    }
    if (!request.message.complete || writer.size !== length || chunked?.ended === false)
      throw incomplete("fewer");
    if (sha256 !== undefined && sha256.digest("hex") !== payloadHash)
      throw new S3Error(
        400,
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
      );
    const digests = new Map<ChecksumAlgorithm, string>();
    for (const [algorithm, digest] of digesters) digests.set(algorithm, await digest.digest());
    const hash = md5.digest();
    const contentMd5 = header(request.headers, "content-md5");
    if (contentMd5 !== undefined && contentMd5 !== hash.toString("base64")) throw badDigest("content-md5");
    if (announced !== undefined) {
      const claimed =
        header(request.headers, checksumHeader(announced)) ??
        chunked?.trailers.get(checksumHeader(announced));
      if (claimed !== undefined && claimed !== digests.get(announced)) throw badDigest(announced);
    }
    return { content: await writer.finish(), md5: hash.toString("hex"), digests };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

const incomplete = (than: "more" | "fewer"): S3Error =>
  new S3Error(
    400,
    "IncompleteBody",
    `The request body has ${than} bytes than the Content-Length HTTP header announces`,
  );

/**
 * Receives a request's XML document.
 * @param checksums "of-object" if the request's checksum headers describe an object instead of the document
 */
export async function receiveText(
  request: S3Request,
  payloadHash: string,
  spill: SpillDirectory,
  checksums: "of-document" | "of-object" = "of-document",
): Promise<string> {
  if (declaredLength(request) > MAX_DOCUMENT_SIZE)
    throw new S3Error(400, "MaxMessageLengthExceeded", "Your request was too large.");
  const isClaim = (name: string): boolean => checksums === "of-object" && name.startsWith("x-amz-checksum-");
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !isClaim(name)));
  const { content } = await receiveBody({ ...request, headers }, payloadHash, spill);
  try {
    const pieces: Buffer[] = [];
    for await (const piece of content.read()) pieces.push(piece);
    return Buffer.concat(pieces).toString("utf8");
  } finally {
    content.release();
  }
}
