import type { ReplaceSafety } from "./capability.js";
import type { S3Connection, S3Request } from "./connection.js";
import { errorCodeOf, secretsOf } from "./error-code.js";
import type { BucketPrefix } from "./location.js";
import { readText } from "./read-text.js";
import { type WriteRetryOptions, withRetries } from "./retry.js";
import { S3Error, systemCode } from "./s3-error.js";
import { xmlEscape, xmlText } from "./xml.js";

/** What probing needs of a store. */
export interface ProbeContext extends BucketPrefix {
  readonly connection: S3Connection;
  /** The same without credentials, for preflight requests. */
  readonly anonymous: S3Connection;
  readonly label: string;
  readonly retry: WriteRetryOptions | undefined;
  /** Receives what the probe says about appending. */
  readonly safety: ReplaceSafety;
}

/** The response to a request of a probe. */
export interface ProbeResponse {
  /** 0 without a response. */
  readonly status: number;
  /** S3's or the system's code; empty if there is none. */
  readonly code: string;
  readonly headers: Headers;
  readonly text: string;
}

/** A request of a probe. The default key is that of the probe's object; undefined stands for the bucket. */
export type ProbeRequest = Partial<S3Request> & { readonly method: S3Request["method"] };

/** Sends the requests of a probe, all for one new object. */
export class ProbeSession {
  readonly bucket: string;
  readonly key: string;
  readonly body: Uint8Array = new TextEncoder().encode("0123456789abcdef");
  readonly #context: ProbeContext;
  readonly #signal: AbortSignal | undefined;

  constructor(context: ProbeContext, signal: AbortSignal | undefined) {
    this.bucket = context.bucket;
    this.key = `${context.prefix}.peekpack-probe-${crypto.randomUUID()}`;
    this.#context = context;
    this.#signal = signal;
  }

  /** Sends one request once. Every failure is a response; only the signal's abort rejects. */
  send(request: ProbeRequest): Promise<ProbeResponse> {
    return this.#send(this.#context.connection, request);
  }

  /** Sends one request without credentials. */
  sendAnonymously(request: ProbeRequest): Promise<ProbeResponse> {
    return this.#send(this.#context.anonymous, request);
  }

  /** Begins an upload and returns its id; undefined if the server refuses. */
  async beginUpload(headers: Readonly<Record<string, string>>): Promise<string | undefined> {
    const response = await this.send({ method: "POST", query: { uploads: "" }, headers });
    return isOk(response) ? xmlText(response.text, "UploadId") : undefined;
  }

  /** Completes an upload of one part. */
  completeUpload(
    uploadId: string,
    part: { readonly etag: string; readonly crc32?: string | undefined },
    headers: Readonly<Record<string, string>>,
  ): Promise<ProbeResponse> {
    const checksum = part.crc32 === undefined ? "" : `<ChecksumCRC32>${part.crc32}</ChecksumCRC32>`;
    const list = `<Part><PartNumber>1</PartNumber><ETag>${xmlEscape(part.etag)}</ETag>${checksum}</Part>`;
    const body = new TextEncoder().encode(`<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`);
    return this.send({ method: "POST", query: { uploadId }, headers, body });
  }

  abortUpload(uploadId: string): Promise<ProbeResponse> {
    return this.send({ method: "DELETE", query: { uploadId } });
  }

  async #send(connection: S3Connection, request: ProbeRequest): Promise<ProbeResponse> {
    const { label, retry } = this.#context;
    try {
      return await withRetries(
        async ({ signal }) => {
          const response = await connection.send({ bucket: this.bucket, key: this.key, signal, ...request });
          const text = await readText(response);
          // Completing and copying may respond 200 before they fail. The body then has the error.
          const failedLate = response.ok && /<Error[\s>]/.test(text);
          return {
            status: failedLate ? 500 : response.status,
            code: errorCodeOf(text, secretsOf(await connection.credentials())) ?? "",
            headers: response.headers,
            text,
          };
        },
        { label, action: "probe the endpoint", signal: this.#signal, retry: { ...retry, attempts: 1 } },
      );
    } catch (error) {
      this.#signal?.throwIfAborted();
      const code = error instanceof S3Error ? error.s3Code : systemCode(error);
      return { status: 0, code: code ?? "", headers: new Headers(), text: "" };
    }
  }
}

/** Whether a request succeeded. */
export function isOk({ status }: ProbeResponse): boolean {
  return status >= 200 && status < 300;
}

/** Status and code of a response, for messages. */
export function describeResponse({ status, code }: ProbeResponse): string {
  if (status === 0) return `no response${code === "" ? "" : `, ${code}`}`;
  return `${status}${code === "" ? "" : ` ${code}`}`;
}
