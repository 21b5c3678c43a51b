import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Part, StoredObject, Upload } from "./buckets.js";
import {
  badDigest,
  type Checksum,
  checksumElement,
  checksumHeader,
  compositeChecksum,
  digestContent,
} from "./checksums.js";
import { checkWrite } from "./conditions.js";
import { Content } from "./content.js";
import type { Context } from "./context.js";
import { requestedUpload } from "./multipart.js";
import { checksumElements } from "./objects.js";
import { header, type Reply, type S3Request } from "./request.js";
import { invalidRequest, malformedXml, S3Error } from "./s3-error.js";
import { readXml, renderXml, type XmlElement } from "./xml.js";

const MIN_PART_SIZE = 5 << 20;
/** Time between check and commit of racy completions. */
const RACE_MS = 300;

const invalidPart = (number: number): S3Error =>
  new S3Error(
    400,
    "InvalidPart",
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    { PartNumber: String(number) },
  );

/** Finds the part that a request names, and verifies its ETag and checksum. */
function namedPart(upload: Upload, element: XmlElement): Part {
  const number = Number(element.text("PartNumber") ?? "NaN");
  const etag = element.text("ETag") ?? "";
  const part = upload.parts.get(number);
  if (part === undefined || (etag !== part.etag && `"${etag}"` !== part.etag)) throw invalidPart(number);
  if (upload.algorithm !== undefined) {
    const claimed = element.text(checksumElement(upload.algorithm));
    if (claimed === undefined && upload.checksumType === "COMPOSITE")
      throw invalidRequest(
        `The upload was created using a ${upload.algorithm} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
      );
    if (claimed !== undefined && claimed !== part.checksum?.value) throw invalidPart(number);
  }
  return part;
}

function namedParts(upload: Upload, text: string): Part[] {
  const elements = readXml(text, "CompleteMultipartUpload").all("Part");
  if (elements.length === 0) throw malformedXml();
  const numbers = elements.map((element) => Number(element.text("PartNumber") ?? "NaN"));
  if (numbers.some((number, at) => at > 0 && !(number > (numbers[at - 1] ?? 0))))
    throw new S3Error(
      400,
      "InvalidPartOrder",
      "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
    );
  const parts = elements.map((element) => namedPart(upload, element));
  const small = parts.slice(0, -1).findIndex((part) => part.content.size < MIN_PART_SIZE);
  if (small >= 0)
    throw new S3Error(
      400,
      "EntityTooSmall",
      "Your proposed upload is smaller than the minimum allowed size",
      {
        ProposedSize: String(parts[small]?.content.size),
        MinSizeAllowed: String(MIN_PART_SIZE),
        PartNumber: String(numbers[small]),
      },
    );
  return parts;
}

/** The new object's checksum. Verifies one that the request states for the whole object. */
async function objectChecksum(
  request: S3Request,
  upload: Upload,
  parts: readonly Part[],
  content: Content,
): Promise<Checksum | undefined> {
  const { algorithm, checksumType } = upload;
  if (algorithm === undefined) return undefined;
  const checksum: Checksum =
    checksumType === "COMPOSITE"
      ? await compositeChecksum(
          algorithm,
          parts.map((part) => part.checksum?.value ?? ""),
        )
      : { algorithm, value: (await digestContent(content, algorithm)).digest, type: "FULL_OBJECT" };
  const claimed = header(request.headers, checksumHeader(algorithm));
  const same = claimed === checksum.value || claimed === checksum.value.replace(/-\d+$/, "");
  if (claimed !== undefined && !same) throw badDigest(algorithm);
  return checksum;
}

/** CompleteMultipartUpload, atomically. */
export async function completeUpload(context: Context): Promise<Reply> {
  const { request, bucket } = context;
  const conditions = context.behavior.completionConditions ?? "atomic";
  const text = await context.text("of-object");
  const upload = requestedUpload(context);
  const parts = namedParts(upload, text);
  const content = Content.concat(parts.map((part) => part.content));
  try {
    if (conditions === "racy") {
      checkWrite(request.headers, bucket.find(request.key), request.key);
      // Two completions that arrive together both pass the check before either commits.
      await sleep(RACE_MS);
    }
    const size = header(request.headers, "x-amz-mp-object-size");
    if (size !== undefined && Number(size) !== content.size)
      throw invalidRequest("The provided 'x-amz-mp-object-size' header does not match what was computed.");
    const checksum = await objectChecksum(request, upload, parts, content);
    const md5s = createHash("md5");
    for (const part of parts) md5s.update(Buffer.from(part.etag.replaceAll('"', ""), "hex"));
    const object: StoredObject = {
      content,
      etag: context.etag(md5s.digest("hex")).replace(/"$/, `-${parts.length}"`),
      lastModified: Date.now(),
      headers: upload.headers,
      checksum,
    };
    // These steps are one tick. The upload may have ended while the checksum was computed: look it up again.
    requestedUpload(context);
    if (conditions === "atomic") checkWrite(request.headers, bucket.find(request.key), request.key);
    content.retain();
    bucket.set(request.key, object);
    bucket.endUpload(upload);
    return {
      status: 200,
      xml: renderXml("CompleteMultipartUploadResult", {
        Location: `/${bucket.name}/${request.key}`,
        Bucket: bucket.name,
        Key: request.key,
        ETag: object.etag,
        ...checksumElements(checksum),
      }),
    };
  } finally {
    content.release();
  }
}
