import {
  type Presigner,
  presignedTarget,
  type S3Credentials,
  s3Store,
  type UploadTarget,
} from "@peekpack/s3";
import { type MeteredFetch, meteredFetch } from "@peekpack/web-storage";

/** Target of a job, and how its requests are authorized. */
export interface TargetChoice {
  /** 'bucket/key' */
  readonly path: string;
  readonly put?: "overwrite" | "create";
  /** Credentials for the page to sign with. Default: the page's server presigns. */
  readonly signed?: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: S3Credentials;
  };
  /** A request that never gets a response: it is not sent (`before`), or its response is lost (`after`). */
  readonly hold?: Hold;
}

export interface Hold {
  /** As in {@link OpenTarget.sent}. */
  readonly request: string;
  readonly when: "before" | "after";
}

export interface OpenTarget {
  readonly target: UploadTarget;
  readonly meter: MeteredFetch;
  /** Resolves when the held request is reached. */
  readonly held: Promise<void>;
  /** Names of the sent requests: 'UploadPart 3', 'CompleteMultipartUpload', … */
  readonly sent: readonly string[];
}

/** Name of a request in S3, with the part number. */
function nameOf({ url, method }: Request): string {
  const { searchParams } = new URL(url);
  const part = searchParams.get("partNumber");
  const inUpload = searchParams.has("uploadId");
  switch (method) {
    case "PUT":
      return part === null ? "PutObject" : `UploadPart ${part}`;
    case "POST":
      return inUpload ? "CompleteMultipartUpload" : "CreateMultipartUpload";
    case "DELETE":
      return "AbortMultipartUpload";
    default:
      return inUpload ? "ListParts" : "HeadObject";
  }
}

export function openTarget(choice: TargetChoice): OpenTarget {
  const { path, put = "overwrite", signed, hold } = choice;
  const meter = meteredFetch();
  let reached = (): void => {};
  const held = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const never = ({ signal }: Request): Promise<never> => {
    reached();
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const sent: string[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    const name = nameOf(request);
    const matches = hold !== undefined && name === hold.request;
    sent.push(name);
    if (matches && hold.when === "before") return never(request);
    const response = await meter(request);
    return matches ? never(request) : response;
  };
  const target =
    signed === undefined
      ? presignedTarget(presigner(path), { label: path, put, fetch })
      : s3Store({ ...signed, fetch }).target(path, { put });
  return { target, meter, held, sent };
}

function presigner(path: string): Presigner {
  return async (request) => {
    const response = await globalThis.fetch("/presign", {
      method: "POST",
      body: JSON.stringify({ path, ...request }),
    });
    if (!response.ok) throw new Error(`the server refused to presign: ${response.status}`);
    return response.text();
  };
}
