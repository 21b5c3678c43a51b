import type { S3Connection, S3Request } from "./connection.js";
import { crc32, crc32Base64 } from "./crc32.js";
import { encodeKey } from "./location.js";
import { systemCode } from "./s3-error.js";
import { boundedText, xmlText } from "./xml.js";

/** One thing that an endpoint may be able to do. */
export interface Capability {
  /** Undefined where it could not be found out. */
  readonly supported: boolean | undefined;
  /** In words: what was seen, and where it is missing, what that costs and what can be done about it. */
  readonly explanation: string;
}

/** What is looked for. */
export const CAPABILITIES = [
  "reach",
  "write",
  "ranges",
  "suffixRanges",
  "conditionalRead",
  "conditionalCreate",
  "conditionalReplace",
  "checksums",
  "multipart",
  "conditionalComplete",
  "wholeChecksums",
  "serverSideCopy",
  "pinnedCopy",
  "listUploads",
  "cors",
] as const;

/** The name of a {@link Capability}. */
export type CapabilityName = (typeof CAPABILITIES)[number];

/** What an endpoint can do, and in words what it cannot. */
export interface StoreCapabilities extends Readonly<Record<CapabilityName, Capability>> {
  /** Where it was looked: the label of the bucket or prefix. */
  readonly place: string;
  /** The explanations of what is missing; empty where nothing is. */
  readonly missing: readonly string[];
}

/** Where and for whom it is looked. */
export interface CapabilityOptions {
  /** Origin of pages whose access by CORS is looked at, as in 'https://app.example'. In a page: its own. */
  readonly origin?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What looking needs of a store. */
export interface CapabilityPlace {
  readonly connection: S3Connection;
  /** The same without credentials, as a browser asks before it asks. */
  readonly anonymous: S3Connection;
  readonly bucket: string;
  readonly prefix: string;
  readonly label: string;
}

interface Answer {
  /** 0 where none came. */
  readonly status: number;
  readonly code: string;
  readonly headers: Headers;
  readonly text: string;
}

const CONTENT = "0123456789abcdef";

/**
 * Finds out what an endpoint can do, with about thirty small requests: it writes an object of 16 bytes below the prefix,
 * tries everything on it, and removes it.
 */
export async function findCapabilities(
  place: CapabilityPlace,
  options: CapabilityOptions = {},
): Promise<StoreCapabilities> {
  const probe = new CapabilityProbe(place, options);
  await probe.run();
  const found = Object.fromEntries(
    CAPABILITIES.map((name) => [name, probe.found.get(name) ?? unknown("It was not looked at.")]),
  ) as Record<CapabilityName, Capability>;
  const missing = CAPABILITIES.filter((name) => found[name].supported === false).map(
    (name) => found[name].explanation,
  );
  return { ...found, place: place.label, missing };
}

function unknown(explanation: string): Capability {
  return { supported: undefined, explanation };
}

class CapabilityProbe {
  readonly found: Map<CapabilityName, Capability> = new Map();
  readonly #place: CapabilityPlace;
  readonly #options: CapabilityOptions;
  readonly #key: string;
  readonly #body: Uint8Array = new TextEncoder().encode(CONTENT);

  constructor(place: CapabilityPlace, options: CapabilityOptions) {
    this.#place = place;
    this.#options = options;
    this.#key = `${place.prefix}.peekpack-probe-${crypto.randomUUID()}`;
  }

  async run(): Promise<void> {
    const created = await this.#ask({ method: "PUT", headers: { "if-none-match": "*" }, body: this.#body });
    if (created.status === 0) {
      const inPage = globalThis.location !== undefined;
      this.#say(
        "reach",
        false,
        `No answer from the endpoint (${created.code || "network"})${inPage ? ", or CORS does not let this page read it: allow its origin in the bucket's CORS rules" : ""}.`,
      );
      return;
    }
    this.#say("reach", true, "The endpoint answers.");
    // A server that does not know the condition may refuse it: then without.
    const written = isOk(created) ? created : await this.#ask({ method: "PUT", body: this.#body });
    if (!isOk(written)) {
      this.#say(
        "write",
        false,
        `The server does not let this identity write here (${told(written)}): archives can be read, not written. Grant s3:PutObject.`,
      );
      await this.#cors(undefined);
      return;
    }
    this.#say("write", true, "Objects can be written.");
    try {
      await this.#reads();
      await this.#conditions(isOk(created), written.headers.get("etag") ?? "");
      await this.#checksums();
      await this.#multipart();
      await this.#copies();
      await this.#listing();
      await this.#cors(this.#key);
    } finally {
      await this.#ask({ method: "DELETE" });
    }
  }

  async #reads(): Promise<void> {
    const range = await this.#ask({ method: "GET", headers: { range: "bytes=2-5" } });
    const ranged = range.status === 206 && range.text === "2345";
    const shown = range.headers.get("content-range") !== null && range.headers.get("etag") !== null;
    this.#say(
      "ranges",
      ranged && shown,
      ranged && shown
        ? "Ranges of bytes can be read."
        : ranged
          ? "Ranges can be read, but this page cannot see Content-Range or ETag: add both to the exposed headers of the bucket's CORS rules."
          : `The server answers a range with ${told(range)}: whole objects have to be downloaded, and only small ones are.`,
    );
    const suffix = await this.#ask({ method: "GET", headers: { range: "bytes=-3" } });
    const suffixed = suffix.status === 206 && suffix.text === "def";
    this.#say(
      "suffixRanges",
      suffixed,
      suffixed
        ? "The last bytes can be asked for without knowing the size."
        : `The server answers a suffix range with ${told(suffix)}: opening an archive takes one round trip more.`,
    );
    const other = await this.#ask({
      method: "GET",
      headers: { "if-match": '"00000000000000000000000000000000"' },
    });
    this.#say(
      "conditionalRead",
      other.status === 412,
      other.status === 412
        ? "Reads can be held to a version."
        : `The server answers If-Match on a read with ${told(other)}: a change is noticed by comparing ETags instead, after the bytes were sent.`,
    );
  }

  async #conditions(created: boolean, etag: string): Promise<void> {
    const again = await this.#ask({ method: "PUT", headers: { "if-none-match": "*" }, body: this.#body });
    const create = created && again.status === 412;
    this.#say(
      "conditionalCreate",
      create,
      create
        ? "An object can be made only where none is (put: 'create')."
        : isOk(again)
          ? "The server ignores If-None-Match: put: 'create' overwrites, and of two writers the last one wins silently. Let one process write a key."
          : `The server refuses If-None-Match (${told(again)}): put: 'create' cannot be used.`,
    );
    const wrong = await this.#ask({
      method: "PUT",
      headers: { "if-match": '"00000000000000000000000000000000"' },
      body: this.#body,
    });
    const right = await this.#ask({ method: "PUT", headers: { "if-match": etag }, body: this.#body });
    const replace = wrong.status === 412 && isOk(right);
    this.#say(
      "conditionalReplace",
      replace,
      replace
        ? "An object can be replaced only while it is a given version (put: { ifMatch })."
        : isOk(wrong)
          ? "The server ignores If-Match on writes: of two that append at once, one loses its children silently. Let one process append."
          : `The server refuses If-Match on writes (${told(isOk(right) ? wrong : right)}): appending is not possible.`,
    );
  }

  async #checksums(): Promise<void> {
    const sum = crc32(this.#body);
    const wrong = await this.#ask({
      method: "PUT",
      headers: { "x-amz-checksum-crc32": crc32Base64(sum ^ 1) },
      body: this.#body,
    });
    const right = await this.#ask({
      method: "PUT",
      headers: { "x-amz-checksum-crc32": crc32Base64(sum) },
      body: this.#body,
    });
    const checked = !isOk(wrong) && isOk(right);
    this.#say(
      "checksums",
      checked,
      checked
        ? "Bodies are checked against a CRC32."
        : isOk(wrong)
          ? "The server ignores CRC32 checksums: bodies are checked by the SHA-256 of the signature alone, or an MD5."
          : `The server refuses CRC32 checksums (${told(right)}): bodies are checked by the SHA-256 of the signature alone, or an MD5.`,
    );
  }

  async #multipart(): Promise<void> {
    const checked = { "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT" };
    const whole = await this.#begin(checked);
    const id = whole ?? (await this.#begin({}));
    if (id === undefined) {
      this.#say(
        "multipart",
        false,
        "The server has no multipart upload: an archive has at most 5 GiB and goes up in one piece.",
      );
      return;
    }
    const sum = crc32Base64(crc32(this.#body));
    const headers = whole === undefined ? {} : { "x-amz-checksum-crc32": sum };
    const part = await this.#ask({
      method: "PUT",
      query: { uploadId: id, partNumber: "1" },
      headers,
      body: this.#body,
    });
    const etag = part.headers.get("etag");
    if (!isOk(part) || etag === null) {
      await this.#abort(id);
      this.#say(
        "multipart",
        false,
        isOk(part)
          ? "Parts can be uploaded, but this page cannot see their ETag: add ETag to the exposed headers of the bucket's CORS rules."
          : `The server refuses parts (${told(part)}): an archive has at most 5 GiB and goes up in one piece.`,
      );
      return;
    }
    const complete = (more: Readonly<Record<string, string>>): Promise<Answer> =>
      this.#complete(id, etag, whole === undefined ? undefined : sum, more);
    const conditional = await complete({ "if-none-match": "*" });
    const kept = conditional.status === 412;
    this.#say(
      "conditionalComplete",
      kept,
      kept
        ? "Put modes hold for archives that go up in parts."
        : `The server answers If-None-Match on completing an upload with ${told(conditional)}: for archives in parts, put modes cannot be relied on.`,
    );
    const type = { "x-amz-checksum-type": "FULL_OBJECT" };
    const done = isOk(conditional)
      ? conditional
      : await complete(whole === undefined ? {} : { ...type, "x-amz-checksum-crc32": sum });
    await this.#abort(id);
    this.#say(
      "multipart",
      isOk(done),
      isOk(done)
        ? "Archives can go up in parts."
        : `The server does not complete uploads (${told(done)}): archives have to be small.`,
    );
    await this.#wholeChecksum(whole !== undefined && isOk(done));
  }

  async #wholeChecksum(able: boolean): Promise<void> {
    const without =
      "The checksum of a whole archive in parts cannot be checked by the server: each part is, alone.";
    const id = able
      ? await this.#begin({ "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT" })
      : undefined;
    if (id === undefined) {
      this.#say("wholeChecksums", false, without);
      return;
    }
    const sum = crc32(this.#body);
    const headers = { "x-amz-checksum-crc32": crc32Base64(sum) };
    const part = await this.#ask({
      method: "PUT",
      query: { uploadId: id, partNumber: "1" },
      headers,
      body: this.#body,
    });
    const wrong = await this.#complete(id, part.headers.get("etag") ?? "", crc32Base64(sum), {
      "x-amz-checksum-type": "FULL_OBJECT",
      "x-amz-checksum-crc32": crc32Base64(sum ^ 1),
    });
    await this.#abort(id);
    const checked = !isOk(wrong);
    this.#say(
      "wholeChecksums",
      checked,
      checked ? "The whole of an archive in parts is checked against a CRC32 combined from theirs." : without,
    );
  }

  async #copies(): Promise<void> {
    const id = await this.#begin({});
    if (id === undefined) return;
    const source = { "x-amz-copy-source": `${this.#place.bucket}/${encodeKey(this.#key)}` };
    const query = { uploadId: id, partNumber: "1" };
    const ranged = await this.#ask({
      method: "PUT",
      query,
      headers: { ...source, "x-amz-copy-source-range": "bytes=0-7" },
    });
    // AWS takes ranges only of objects beyond 5 MB, and says so.
    const copied = isOk(ranged) ? ranged : await this.#ask({ method: "PUT", query, headers: source });
    const able = isOk(copied) && xmlText(copied.text, "ETag") !== undefined;
    this.#say(
      "serverSideCopy",
      able,
      able
        ? "The server copies parts of objects: combining and appending move a few MiB, whatever the size."
        : `The server does not copy parts (${told(copied)}): combining and appending download and upload everything.`,
    );
    const other = await this.#ask({
      method: "PUT",
      query,
      headers: { ...source, "x-amz-copy-source-if-match": '"00000000000000000000000000000000"' },
    });
    await this.#abort(id);
    if (able) {
      this.#say(
        "pinnedCopy",
        other.status === 412,
        other.status === 412
          ? "Copies can be held to a version."
          : `The server answers a copy of another version with ${told(other)}: a child that is overwritten while it is combined may come out mixed. Do not overwrite children.`,
      );
    }
  }

  async #listing(): Promise<void> {
    const listed = await this.#ask({
      method: "GET",
      key: undefined,
      query: { uploads: "", prefix: this.#key },
    });
    this.#say(
      "listUploads",
      isOk(listed),
      isOk(listed)
        ? "Orphaned uploads can be listed and swept."
        : `Orphaned uploads cannot be listed (${told(listed)}): grant s3:ListBucketMultipartUploads, or let a lifecycle rule remove them.`,
    );
  }

  async #cors(key: string | undefined): Promise<void> {
    const inPage = globalThis.location !== undefined;
    const origin = this.#options.origin ?? (inPage ? globalThis.location.origin : undefined);
    if (origin === undefined) {
      this.found.set("cors", unknown("CORS was not looked at: no origin was named."));
      return;
    }
    if (inPage) {
      this.#say(
        "cors",
        true,
        `This page reads from the endpoint${this.found.get("write")?.supported ? " and writes to it" : ""}.`,
      );
      return;
    }
    const wanted = "authorization,range,x-amz-content-sha256,x-amz-date";
    const preflight = await this.#ask(
      {
        method: "OPTIONS",
        key: key ?? "any",
        headers: { origin, "access-control-request-method": "GET", "access-control-request-headers": wanted },
      },
      this.#place.anonymous,
    );
    const allows = (name: string, value: string): boolean => {
      const list = (preflight.headers.get(name) ?? "").toLowerCase().split(/\s*,\s*/);
      // A star stands for every header but Authorization (Fetch standard, CORS protocol).
      return list.includes(value) || (list.includes("*") && value !== "authorization");
    };
    const advice = `Add a CORS rule to the bucket: AllowedOrigins ["${origin}"], AllowedMethods ["GET","PUT","POST","DELETE","HEAD"], AllowedHeaders ["*"], ExposeHeaders ["ETag","Content-Range"].`;
    if (!isOk(preflight) || !allows("access-control-allow-origin", origin.toLowerCase())) {
      this.#say("cors", false, `Pages of ${origin} are not let in (${told(preflight)}). ${advice}`);
      return;
    }
    const lacking = wanted.split(",").filter((name) => !allows("access-control-allow-headers", name));
    if (lacking.length > 0) {
      this.#say(
        "cors",
        false,
        `Pages of ${origin} may not send ${lacking.join(", ")}: signed requests fail, presigned URLs work. ${advice}`,
      );
      return;
    }
    const got =
      key === undefined
        ? undefined
        : await this.#ask({ method: "GET", headers: { origin, range: "bytes=0-1" } });
    const exposed = (got?.headers.get("access-control-expose-headers") ?? "").toLowerCase();
    const hidden = ["etag", "content-range"].filter(
      (name) => !exposed.split(/\s*,\s*/).includes(name) && exposed !== "*",
    );
    if (got !== undefined && hidden.length > 0) {
      this.#say("cors", false, `Pages of ${origin} cannot see ${hidden.join(" and ")}. ${advice}`);
      return;
    }
    this.#say("cors", true, `Pages of ${origin} are let in.`);
  }

  #say(name: CapabilityName, supported: boolean, explanation: string): void {
    this.found.set(name, { supported, explanation });
  }

  async #begin(headers: Readonly<Record<string, string>>): Promise<string | undefined> {
    const begun = await this.#ask({ method: "POST", query: { uploads: "" }, headers });
    return isOk(begun) ? xmlText(begun.text, "UploadId") : undefined;
  }

  async #abort(uploadId: string): Promise<void> {
    await this.#ask({ method: "DELETE", query: { uploadId } });
  }

  #complete(
    uploadId: string,
    etag: string,
    sum: string | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    const checksum = sum === undefined ? "" : `<ChecksumCRC32>${sum}</ChecksumCRC32>`;
    const part = `<Part><PartNumber>1</PartNumber><ETag>${etag}</ETag>${checksum}</Part>`;
    const body = new TextEncoder().encode(`<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`);
    return this.#ask({ method: "POST", query: { uploadId }, headers, body });
  }

  /** Sends one request about the probe's object, or about the bucket where `key` is there and undefined. */
  async #ask(
    request: Partial<S3Request> & { readonly method: S3Request["method"] },
    connection: S3Connection = this.#place.connection,
  ): Promise<Answer> {
    const { signal } = this.#options;
    try {
      const response = await connection.send({
        bucket: this.#place.bucket,
        key: this.#key,
        signal,
        ...request,
      });
      const text = await boundedText(response);
      const late = response.ok && /<Error[\s>]/.test(text);
      return {
        status: late ? 500 : response.status,
        code: xmlText(text, "Code") ?? "",
        headers: response.headers,
        text,
      };
    } catch (error) {
      signal?.throwIfAborted();
      return { status: 0, code: systemCode(error) ?? "", headers: new Headers(), text: "" };
    }
  }
}

function isOk({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}

function told({ status, code }: Answer): string {
  return status === 0
    ? `no answer${code === "" ? "" : `, ${code}`}`
    : `${status}${code === "" ? "" : ` ${code}`}`;
}
