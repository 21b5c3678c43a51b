import { isPeekpackError } from "@peekpack/core";
import { S3_CODES, type Words } from "@peekpack/explorer/archive/s3-codes";
import { S3Error } from "@peekpack/s3";
import { type Failure, failureOf } from "../write/failure.js";
import { type Destination, type OpenDestination, openDestination } from "./destination.js";

/** What was found at a destination before anything is written. */
export type DestinationCheck =
  | { readonly kind: "free" }
  | { readonly kind: "exists" /** Bytes, if the object can be read. */; readonly size: number | undefined }
  | { readonly kind: "refused"; readonly failure: Failure };

/** An upload id that no server has given out: a part for it is refused after everything else was accepted. */
const NO_UPLOAD = { id: "peekpack-check", crc32: false } as const;
const HEAD_BYTES = 16;
/** Free keys that are tried with a number before the time is put into the key. */
const NUMBERED_KEYS = 9;

/** The CORS rule for pages of some origins that write and read, as JSON for the bucket. */
export function corsRule(origins: readonly string[]): string {
  const rule = {
    AllowedOrigins: origins,
    AllowedMethods: ["GET", "HEAD", "PUT", "POST", "DELETE"],
    AllowedHeaders: ["*"],
    ExposeHeaders: ["ETag", "Content-Range", "Content-Length", "x-amz-version-id"],
    MaxAgeSeconds: 3600,
  };
  const lines = Object.entries(rule).map(([name, value]) => `  "${name}": ${JSON.stringify(value)}`);
  return `[{\n${lines.join(",\n")}\n}]`;
}

/**
 * Checks whether the page may write to a destination, and whether the object exists. Sends a part for an upload that does not exist,
 * and reads the first bytes of the object. Writes nothing.
 */
export async function checkDestination(destination: Destination): Promise<DestinationCheck> {
  const opened = openDestination(destination, { attempts: 1 });
  const [refusal, found] = await Promise.all([refusalOf(destination, opened), objectAt(opened)]);
  if (refusal !== undefined) return { kind: "refused", failure: refusal };
  // Writing may be allowed without reading, and some servers hide from pages that an object does not exist. An object that exists
  // is then not replaced when the archive is complete.
  return found.kind === "unreadable" ? { kind: "free" } : found;
}

/** The same destination with a key that is free: with a number, or with the time. */
export async function withFreeKey(destination: Destination): Promise<Destination> {
  const { path } = destination;
  const end = /(\.[A-Za-z0-9]+)*$/.exec(path)!.index;
  const [name, extension] = [path.slice(0, end).replace(/-\d$/, ""), path.slice(end)];
  for (let number = 2; number <= NUMBERED_KEYS; number++) {
    const other = { ...destination, path: `${name}-${number}${extension}` };
    const { kind } = await objectAt(openDestination(other, { attempts: 1 }));
    if (kind === "free") return other;
    if (kind === "unreadable") break;
  }
  return { ...destination, path: `${name}-${Date.now()}${extension}` };
}

/** Whether there is an object. */
async function objectAt(
  opened: OpenDestination,
): Promise<Exclude<DestinationCheck, { kind: "refused" }> | { readonly kind: "unreadable" }> {
  const source = opened.source();
  try {
    const { size } = await source.probe({ head: HEAD_BYTES, tail: 0 });
    return { kind: "exists", size };
  } catch (error) {
    if (isPeekpackError(error) && error.code === "not-found") return { kind: "free" };
    return { kind: "unreadable" };
  } finally {
    await source.close?.();
  }
}

/** Why the server does not accept a part from this page. Undefined if it accepts one. */
async function refusalOf(destination: Destination, opened: OpenDestination): Promise<Failure | undefined> {
  try {
    await opened.target.uploadPart(NO_UPLOAD, 1, Uint8Array.of(0));
    return undefined;
  } catch (error) {
    if (!(error instanceof S3Error)) return signingFailure(destination, error);
    const { status, s3Code = "" } = error;
    if (status === undefined) {
      return (await accepts(opened)) ? undefined : unansweredFailure(destination, opened, error);
    }
    const words =
      S3_CODES[s3Code] ?? (status === 401 || status === 403 ? noPermission(destination.path) : undefined);
    if (words !== undefined) {
      const [title, advice] = words;
      const code = s3Code || String(status);
      return { title, message: error.message, advice: `${advice} Nothing was written.`, code };
    }
    // The upload id is refused: with 404, or with 400 where ids have a form.
    return status >= 500 || (status === 404 && s3Code === "") || status < 400 ? failureOf(error) : undefined;
  }
}

/** Whether an upload can begin. versitygw lets pages see what it accepts, and not what it refuses. */
async function accepts({ target }: OpenDestination): Promise<boolean> {
  try {
    await target.abortUpload(await target.createUpload());
    return true;
  } catch {
    return false;
  }
}

/** The keys are right, and do not allow it. */
function noPermission(path: string): Words {
  return [`These keys may not write to ${bucketOf(path)}`, "They need s3:PutObject for this key."];
}

function bucketOf(path: string): string {
  return path.slice(0, path.indexOf("/"));
}

function signingFailure(destination: Destination, error: unknown): Failure {
  const failure = failureOf(error);
  if (destination.kind !== "presigned") return failure;
  const refused = failure.code === "denied";
  return {
    ...failure,
    title: refused ? "The signing service refuses this key" : "The signing service does not respond",
    advice: refused
      ? "It may sign for another bucket, or for keys with another beginning. Nothing was written."
      : "Check its address and the network.",
  };
}

/** Tells CORS from a server that does not respond. Browsers do not say which of them made a request fail. */
async function unansweredFailure(
  destination: Destination,
  opened: OpenDestination,
  error: S3Error,
): Promise<Failure> {
  if (!navigator.onLine) {
    return {
      title: "This browser is offline",
      message: "The destination cannot be checked.",
      advice:
        "An archive that is written anyway stays in this browser, and is uploaded when the network is back.",
      code: "offline",
    };
  }
  let origin = "";
  try {
    origin = new URL(await opened.link()).origin;
    // The page learns nothing of the response, but that there is one.
    await fetch(origin, { mode: "no-cors", cache: "no-store" });
  } catch {
    return {
      title: "The server does not respond",
      message: error.message,
      advice: `Check the endpoint${origin && ` ${origin}`} and the network.`,
      code: "network",
    };
  }
  // A bucket that does not exist has no CORS rules either: the page cannot see the response that says so.
  const bucket = bucketOf(destination.path);
  return {
    title: `${bucket} does not allow this page, or does not exist`,
    message: `${origin} responds, but not to ${location.origin}: no CORS rule of the bucket allows it.`,
    advice: "Correct the name of the bucket, or add this rule to it, and check again.",
    code: CORS,
  };
}

/** The code of a failure that a CORS rule mends. */
export const CORS = "CORS";
