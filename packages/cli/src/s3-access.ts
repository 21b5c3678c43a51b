import { isPeekpackError, PeekpackError } from "@peekpack/core";
import { type CredentialsProvider, type S3Credentials, type S3Store, s3Store } from "@peekpack/s3";
import type { Arguments, OptionSpecs } from "./arguments.js";

/** Options of every command that reads or writes S3. */
export const S3_OPTIONS: OptionSpecs = {
  endpoint: {
    value: "URL",
    help: "S3-compatible service for s3:// (default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, then AWS)",
  },
  "no-sign-request": { help: "access s3:// anonymously, for public buckets" },
};

/**
 * Opens the S3 service that the options select. Nothing is sent, and no credentials are loaded, before the first request.
 * @param endpoint in place of the option
 */
export function openStore(args: Arguments, endpoint: string | undefined = args.text("endpoint")): S3Store {
  return s3Store({
    endpoint,
    credentials: args.flag("no-sign-request") ? null : chainCredentials,
    fetch: fetchFromKnownHost,
    // The AWS SDK takes longer to load than most commands run, and warns on stderr about old Node versions.
    writer: "fetch",
  });
}

/** What to do without credentials. */
const REMEDY =
  "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with AWS_PROFILE, or read a public bucket with --no-sign-request.";

/**
 * Credentials from the environment variables, else from the chain of the AWS SDK: profiles, SSO, web identity, container and
 * instance roles. The chain is loaded only if it is needed.
 * @throws PeekpackError `denied` if there are none
 */
const chainCredentials: CredentialsProvider = async () => {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env;
  if (accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, sessionToken: process.env.AWS_SESSION_TOKEN || undefined };
  }
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  try {
    return (await defaultProvider()()) satisfies S3Credentials;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new PeekpackError("denied", `${reason(error)} ${REMEDY}`, { section: "source" });
  }
};

/** Why the chain failed, as a sentence. */
function reason({ message }: Error): string {
  const profile = process.env.AWS_PROFILE;
  const nothing = `there are no AWS credentials${profile ? ` in the profile ${JSON.stringify(profile)}` : ""}.`;
  // The message about a failed credential_process quotes its command line and output, which may contain a secret.
  if (/^Could not (load|resolve) credentials|^Command failed/.test(message)) return nothing;
  const [line = ""] = message.split("\n");
  return `${nothing} ${/[.!?]$/.test(line) ? line : `${line}.`}`;
}

/** The global fetch. A host that does not exist is no failure of the network: no retry helps. */
async function fetchFromKnownHost(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (isPeekpackError(error) || code !== "ENOTFOUND") throw error;
    const { hostname } = new URL(request.url);
    throw new PeekpackError(
      "not-found",
      `there is no host ${hostname}: check the bucket's name, the region and --endpoint`,
      { section: "source" },
    );
  }
}

/** An object that a spool was written for. */
export interface RecordedPath {
  /** Undefined: the options and the environment select the service. */
  readonly endpoint: string | undefined;
  readonly path: string;
}

/**
 * Splits the label of a target: s3://bucket/key, or the URL of the endpoint with bucket and key.
 * @throws PeekpackError `unsupported-value` for any other label
 */
export function recordedPath(label: string | undefined, args: Arguments): RecordedPath {
  if (label?.startsWith("s3://")) return { endpoint: args.text("endpoint"), path: label };
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env;
  const endpoint = args.text("endpoint") ?? (AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL);
  const base = endpoint?.replace(/\/+$/, "");
  if (base !== undefined && label?.startsWith(`${base}/`))
    return { endpoint, path: label.slice(base.length + 1) };
  const [, origin, path] = /^(https?:\/\/[^/?#]+)\/([^/]+\/.+)$/s.exec(label ?? "") ?? [];
  if (origin !== undefined && path !== undefined) return { endpoint: origin, path };
  throw new PeekpackError(
    "unsupported-value",
    `the target ${label ?? "of this upload"} is not an object on S3`,
  );
}
