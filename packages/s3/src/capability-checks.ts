import { crc32 } from "@peekpack/core/internal";
import { APPENDS_LOSE, type ReportCapability } from "./capability.js";
import { explainRefusal } from "./capability-refusal.js";
import { checkCors } from "./cors-check.js";
import { crc32Base64 } from "./crc32.js";
import { encodeKey } from "./location.js";
import { describeResponse, isOk, type ProbeResponse, type ProbeSession } from "./probe-session.js";
import { xmlElements, xmlText } from "./xml.js";

const OTHER_ETAG = '"00000000000000000000000000000000"';

/** Checks every capability with the requests of a probe, and deletes the probe's object. */
export async function checkCapabilities(
  probe: ProbeSession,
  report: ReportCapability,
  origin: string | undefined,
): Promise<void> {
  const { body } = probe;
  const created = await probe.send({ method: "PUT", headers: { "if-none-match": "*" }, body });
  // A server may refuse a condition that it does not know.
  const retried = created.status !== 0 && !isOk(created);
  const written = retried ? await probe.send({ method: "PUT", body }) : created;
  if (!isOk(written)) {
    const { name, explanation } = explainRefusal(written);
    for (const earlier of PRECONDITIONS.slice(0, PRECONDITIONS.indexOf(name))) reportMet(report, earlier);
    report(name, false, explanation);
    if (name === "write") await checkCors(probe, report, origin, false);
    return;
  }
  for (const condition of PRECONDITIONS) reportMet(report, condition);
  try {
    await checkReads(probe, report);
    await checkConditions(probe, report, isOk(created), written.headers.get("etag") ?? "");
    await checkChecksums(probe, report);
    await checkMultipart(probe, report);
    await checkCopies(probe, report);
    await checkListing(probe, report);
    await checkCors(probe, report, origin, true);
  } finally {
    await probe.send({ method: "DELETE" });
  }
}

/** What the first write needs, in the order in which a server checks it. */
const PRECONDITIONS = ["reach", "credentials", "bucket", "write"] as const;

function reportMet(report: ReportCapability, name: (typeof PRECONDITIONS)[number]): void {
  const explanations = {
    reach: "The endpoint responds.",
    credentials: "The server accepts the credentials.",
    bucket: "The bucket exists.",
    write: "Objects can be written.",
  };
  report(name, true, explanations[name]);
}

async function checkReads(probe: ProbeSession, report: ReportCapability): Promise<void> {
  const range = await probe.send({ method: "GET", headers: { range: "bytes=2-5" } });
  const ranged = range.status === 206 && range.text === "2345";
  const exposed = range.headers.get("content-range") !== null && range.headers.get("etag") !== null;
  report(
    "ranges",
    ranged && exposed,
    ranged && exposed
      ? "Byte ranges can be read."
      : ranged
        ? "Byte ranges can be read, but this page cannot see Content-Range or ETag: add both to the exposed headers of the bucket's CORS rules."
        : `The server responds to a range request with ${describeResponse(range)}: only small archives can be read, as whole objects.`,
  );
  const suffix = await probe.send({ method: "GET", headers: { range: "bytes=-3" } });
  const suffixed = suffix.status === 206 && suffix.text === "def";
  const long = await probe.send({ method: "GET", headers: { range: "bytes=-99" } });
  const longServed = isOk(long) && long.text.length === probe.body.length;
  report(
    "suffixRanges",
    suffixed && longServed,
    !suffixed
      ? `The server responds to a suffix range with ${describeResponse(suffix)}: opening an archive takes one more round trip.`
      : longServed
        ? "The last bytes can be read without knowing the size."
        : `The server responds to a suffix range that is longer than the object with ${describeResponse(long)}: opening an archive of less than 512 KiB may take one more round trip.`,
  );
  const other = await probe.send({ method: "GET", headers: { "if-match": OTHER_ETAG } });
  report(
    "conditionalRead",
    other.status === 412,
    other.status === 412
      ? "Reads can be pinned to a version."
      : `The server responds to If-Match on a read with ${describeResponse(other)}: a change is detected by comparing ETags, after the bytes were sent.`,
  );
}

async function checkConditions(
  probe: ProbeSession,
  report: ReportCapability,
  created: boolean,
  etag: string,
): Promise<void> {
  const { body } = probe;
  const put = (headers: Readonly<Record<string, string>>) => probe.send({ method: "PUT", headers, body });
  const again = await put({ "if-none-match": "*" });
  const create = created && again.status === 412;
  report(
    "conditionalCreate",
    create,
    create
      ? "An object can be created only if it does not exist (put: 'create')."
      : isOk(again)
        ? "The server ignores If-None-Match: put: 'create' overwrites, and of two writers the last one wins silently. Let one process write a key."
        : `The server refuses If-None-Match (${describeResponse(again)}): put: 'create' cannot be used.`,
  );
  const wrong = await put({ "if-match": OTHER_ETAG });
  const right = await put({ "if-match": etag });
  const replace = wrong.status === 412 && isOk(right);
  report(
    "conditionalReplace",
    replace,
    replace
      ? "An object can be replaced only while it has a given ETag (put: { ifMatch })."
      : isOk(wrong)
        ? `The server ignores If-Match on writes: ${APPENDS_LOSE}`
        : `The server refuses If-Match on writes (${describeResponse(isOk(right) ? wrong : right)}): appending is not possible.`,
  );
}

async function checkChecksums(probe: ProbeSession, report: ReportCapability): Promise<void> {
  const { body } = probe;
  const sum = crc32(body);
  const put = (value: number) =>
    probe.send({ method: "PUT", headers: { "x-amz-checksum-crc32": crc32Base64(value) }, body });
  const wrong = await put(sum ^ 1);
  const right = await put(sum);
  const checked = !isOk(wrong) && isOk(right);
  const fallback = "bodies are checked by the SHA-256 of the signature alone, or an MD5";
  report(
    "checksums",
    checked,
    checked
      ? "Bodies are checked by a CRC32."
      : isOk(wrong)
        ? `The server ignores CRC32 checksums: ${fallback}.`
        : `The server refuses CRC32 checksums (${describeResponse(right)}): ${fallback}.`,
  );
}

const WHOLE_CRC32 = { "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT" };

async function checkMultipart(probe: ProbeSession, report: ReportCapability): Promise<void> {
  const { body } = probe;
  const withChecksums = await probe.beginUpload(WHOLE_CRC32);
  const uploadId = withChecksums ?? (await probe.beginUpload({}));
  if (uploadId === undefined) {
    report(
      "multipart",
      false,
      "The server has no multipart upload: an archive has at most 5 GiB and is uploaded by one PUT.",
    );
    return;
  }
  const sum = withChecksums === undefined ? undefined : crc32Base64(crc32(body));
  const checksum: Record<string, string> = sum === undefined ? {} : { "x-amz-checksum-crc32": sum };
  const query = { uploadId, partNumber: "1" };
  const part = await probe.send({ method: "PUT", query, headers: checksum, body });
  const etag = part.headers.get("etag");
  if (!isOk(part) || etag === null) {
    await probe.abortUpload(uploadId);
    report(
      "multipart",
      false,
      isOk(part)
        ? "Parts can be uploaded, but this page cannot see their ETag: add ETag to the exposed headers of the bucket's CORS rules."
        : `The server refuses parts (${describeResponse(part)}): an archive has at most 5 GiB and is uploaded by one PUT.`,
    );
    return;
  }
  await checkParts(probe, report, uploadId);
  const uploaded = { etag, crc32: sum };
  // The object exists, and has another ETag.
  const conditions: Record<string, string>[] = [{ "if-none-match": "*" }, { "if-match": OTHER_ETAG }];
  let conditional: ProbeResponse | undefined;
  let refused = 0;
  for (const condition of conditions) {
    conditional = await probe.completeUpload(uploadId, uploaded, condition);
    if (isOk(conditional)) break;
    if (conditional.status === 412) refused++;
  }
  const conditionIgnored = isOk(conditional!);
  const kept = refused === conditions.length;
  report(
    "conditionalComplete",
    kept,
    kept
      ? "Put modes work for archives in parts."
      : `The server responds to a condition on completing an upload with ${describeResponse(conditional!)}: put modes are not reliable for archives in parts. Let one process write a key.`,
  );
  const type: Record<string, string> = sum === undefined ? {} : { "x-amz-checksum-type": "FULL_OBJECT" };
  const completed = conditionIgnored
    ? conditional!
    : await probe.completeUpload(uploadId, uploaded, { ...type, ...checksum });
  await probe.abortUpload(uploadId);
  report(
    "multipart",
    isOk(completed),
    isOk(completed)
      ? "Archives can be uploaded in parts."
      : `The server does not complete uploads (${describeResponse(completed)}): archives have to be small.`,
  );
  await checkWholeChecksum(probe, report, sum !== undefined && isOk(completed));
  if (kept && isOk(completed)) await checkAtomicComplete(probe, report);
}

/** Servers that check a condition before they write, without a lock, accept about three of four pairs. */
const PAIRS = 4;

/** Completes two uploads at once under the same condition. The server may accept only one. */
async function checkAtomicComplete(probe: ProbeSession, report: ReportCapability): Promise<void> {
  let [pairs, bothAccepted] = [0, false];
  for (; pairs < PAIRS && !bothAccepted; pairs++) {
    const { headers } = await probe.send({ method: "HEAD" });
    const condition = { "if-match": headers.get("etag") ?? "" };
    const uploads = await Promise.all([0, 1].map((n) => uploadOfOnePart(probe, `pair ${pairs} ${n}`)));
    if (uploads.includes(undefined)) return;
    const responses = await Promise.all(
      uploads.map((upload) => probe.completeUpload(upload!.uploadId, upload!, condition)),
    );
    for (const upload of uploads) await probe.abortUpload(upload!.uploadId);
    bothAccepted = responses.every(isOk);
    if (!responses.some(isOk)) return;
  }
  report(
    "atomicComplete",
    !bothAccepted,
    bothAccepted
      ? `The server checks If-Match on completing an upload, but accepted two uploads at once: ${APPENDS_LOSE}`
      : "Of two archives in parts that replace the same version at once, one is written.",
  );
}

async function uploadOfOnePart(
  probe: ProbeSession,
  text: string,
): Promise<{ readonly uploadId: string; readonly etag: string } | undefined> {
  const uploadId = await probe.beginUpload({});
  if (uploadId === undefined) return undefined;
  const query = { uploadId, partNumber: "1" };
  const part = await probe.send({ method: "PUT", query, body: new TextEncoder().encode(text) });
  const etag = part.headers.get("etag");
  return etag === null ? undefined : { uploadId, etag };
}

/** Lists the parts of an upload, and aborts another upload. */
async function checkParts(probe: ProbeSession, report: ReportCapability, uploadId: string): Promise<void> {
  const list = (id: string) => probe.send({ method: "GET", query: { uploadId: id } });
  const listed = await list(uploadId);
  const complete = isOk(listed) && xmlElements(listed.text, "Part").length === 1;
  report(
    "listParts",
    complete,
    complete
      ? "The parts of an upload can be listed."
      : `The parts of an upload cannot be listed (${describeResponse(listed)}): an interrupted upload begins again. Grant s3:ListMultipartUploadParts.`,
  );
  const other = await probe.beginUpload({});
  if (other === undefined) return;
  await probe.send({ method: "PUT", query: { uploadId: other, partNumber: "1" }, body: probe.body });
  const aborted = await probe.abortUpload(other);
  const left = await list(other);
  const gone = isOk(aborted) && !(isOk(left) && xmlElements(left.text, "Part").length > 0);
  report(
    "abortUpload",
    gone,
    gone
      ? "Uploads can be aborted."
      : `Uploads cannot be aborted (${describeResponse(aborted)}): failed writes leave parts on the server. Grant s3:AbortMultipartUpload, or let a lifecycle rule remove them.`,
  );
}

async function checkWholeChecksum(
  probe: ProbeSession,
  report: ReportCapability,
  possible: boolean,
): Promise<void> {
  const missing =
    "The server cannot check the checksum of a whole archive in parts. It checks each part on its own.";
  const uploadId = possible ? await probe.beginUpload(WHOLE_CRC32) : undefined;
  if (uploadId === undefined) {
    report("wholeChecksums", false, missing);
    return;
  }
  const { body } = probe;
  const sum = crc32(body);
  const headers = { "x-amz-checksum-crc32": crc32Base64(sum) };
  const part = await probe.send({
    method: "PUT",
    query: { uploadId, partNumber: "1" },
    headers,
    body,
  });
  const uploaded = { etag: part.headers.get("etag") ?? "", crc32: crc32Base64(sum) };
  const wrong = await probe.completeUpload(uploadId, uploaded, {
    "x-amz-checksum-type": "FULL_OBJECT",
    "x-amz-checksum-crc32": crc32Base64(sum ^ 1),
  });
  await probe.abortUpload(uploadId);
  report(
    "wholeChecksums",
    !isOk(wrong),
    isOk(wrong) ? missing : "A whole archive in parts is checked by a CRC32 that is combined from theirs.",
  );
}

async function checkCopies(probe: ProbeSession, report: ReportCapability): Promise<void> {
  const uploadId = await probe.beginUpload({});
  if (uploadId === undefined) return;
  const source = { "x-amz-copy-source": `${probe.bucket}/${encodeKey(probe.key)}` };
  const copy = (headers: Readonly<Record<string, string>>) =>
    probe.send({
      method: "PUT",
      query: { uploadId, partNumber: "1" },
      headers: { ...source, ...headers },
    });
  const ranged = await copy({ "x-amz-copy-source-range": "bytes=0-7" });
  // AWS accepts ranges only of objects larger than 5 MB.
  const copied = isOk(ranged) ? ranged : await copy({});
  const supported = isOk(copied) && xmlText(copied.text, "ETag") !== undefined;
  report(
    "serverSideCopy",
    supported,
    supported
      ? "The server copies parts of objects: combining and appending transfer a few MiB, whatever the size."
      : `The server does not copy parts (${describeResponse(copied)}): combining and appending download and upload everything.`,
  );
  const other = await copy({ "x-amz-copy-source-if-match": OTHER_ETAG });
  await probe.abortUpload(uploadId);
  if (!supported) return;
  report(
    "pinnedCopy",
    other.status === 412,
    other.status === 412
      ? "Copies can be pinned to a version."
      : `The server responds to a copy of another version with ${describeResponse(other)}: a child that is overwritten while it is combined may be mixed. Do not overwrite children.`,
  );
}

async function checkListing(probe: ProbeSession, report: ReportCapability): Promise<void> {
  const uploadId = await probe.beginUpload({});
  if (uploadId === undefined) return;
  const list = (prefix: string) =>
    probe.send({ method: "GET", key: undefined, query: { uploads: "", prefix } });
  const lists = ({ text }: ProbeResponse): boolean =>
    xmlElements(text, "Upload").some((upload) => xmlText(upload, "UploadId") === uploadId);
  const listed = await list(probe.key.slice(0, -4));
  const byPrefix = isOk(listed) && lists(listed);
  const all = byPrefix || !isOk(listed) ? listed : await list("");
  await probe.abortUpload(uploadId);
  const supported = isOk(all) && lists(all);
  report(
    "listUploads",
    supported,
    byPrefix
      ? "Orphaned uploads can be listed and swept."
      : supported
        ? "Orphaned uploads can be listed and swept. The server does not list them by prefix: a sweep lists those of the whole bucket."
        : isOk(all)
          ? "The server does not list an upload that has begun: orphaned uploads cannot be swept. Let a lifecycle rule remove them."
          : `Orphaned uploads cannot be listed (${describeResponse(all)}): grant s3:ListBucketMultipartUploads, or let a lifecycle rule remove them.`,
  );
}
