import { type ClosableSource, httpSource } from "@peekpack/core";
import {
  type PutMode,
  presignedTarget,
  type S3Credentials,
  s3Store,
  type UploadTarget,
  type WriteRetryOptions,
} from "@peekpack/s3";
import { type MeteredFetch, meteredFetch } from "@peekpack/web-storage";
import { askForUrl } from "./signing-service.js";

/** Where an archive is written, with all that is needed to write it. It may contain credentials, and stays in memory. */
export type Destination =
  | {
      readonly kind: "signed";
      /** Undefined for AWS. */
      readonly endpoint: string | undefined;
      readonly region: string | undefined;
      /** 'bucket/key' */
      readonly path: string;
      readonly put: PutMode;
      readonly credentials: S3Credentials;
    }
  | {
      readonly kind: "presigned";
      /** The URL of the service that signs, such as '/presign'. */
      readonly service: string;
      readonly path: string;
      readonly put: PutMode;
    };

/** A destination that is in use. */
export interface OpenDestination {
  /** The target of the spool. Only its label is stored. It contains no secret. */
  readonly target: UploadTarget;
  readonly meter: MeteredFetch;
  /** The object, for reading it back. */
  source(): ClosableSource;
  /** A URL to read the object, valid for an hour. */
  link(): Promise<string>;
}

/** Opens a destination. Nothing is sent. @param retry how requests that write are retried */
export function openDestination(destination: Destination, retry?: WriteRetryOptions): OpenDestination {
  const { path, put } = destination;
  const meter = meteredFetch();
  if (destination.kind === "signed") {
    const { endpoint, region, credentials } = destination;
    const store = s3Store({ endpoint, region, credentials, fetch: meter, retry });
    return {
      target: store.target(path, { put }),
      meter,
      source: () => store.source(path),
      link: () => store.presign(path),
    };
  }
  const { service } = destination;
  const label = presignedLabel(service, path);
  const link = (): Promise<string> =>
    askForUrl(service, path, { operation: "GetObject", query: {}, headers: {} });
  return {
    target: presignedTarget((request) => askForUrl(service, path, request), {
      label,
      put,
      retry,
      fetch: meter,
    }),
    meter,
    source: () => httpSource(link, { label }),
    link,
  };
}

/** What the label of a spool says of its destination: everything except the credentials. */
export type ParsedLabel =
  | { readonly kind: "presigned"; readonly service: string; readonly path: string }
  | { readonly kind: "signed"; readonly endpoint: string | undefined; readonly path: string };

const SIGNED_BY = ", signed by ";

function presignedLabel(service: string, path: string): string {
  return `${path}${SIGNED_BY}${service.replace(/[?#].*$/, "")}`;
}

/** Parses a label. Undefined for a label of another page. */
export function parseLabel(label: string): ParsedLabel | undefined {
  const cut = label.lastIndexOf(SIGNED_BY);
  if (cut > 0) {
    return { kind: "presigned", path: label.slice(0, cut), service: label.slice(cut + SIGNED_BY.length) };
  }
  if (label.startsWith("s3://")) {
    return { kind: "signed", endpoint: undefined, path: label.slice("s3://".length) };
  }
  // As in the form, an endpoint is a host. Bucket and key follow it.
  const [, endpoint, path] = /^(https?:\/\/[^/]+)\/([^/]+\/.+)$/.exec(label) ?? [];
  return path === undefined ? undefined : { kind: "signed", endpoint, path };
}

/** The name of an object, for headings. */
export function objectName(label: string): string {
  const path = parseLabel(label)?.path ?? label;
  return path.split("/").pop() || path;
}

/** The location of an object, for people. */
export function objectLocation(label: string): string {
  const parsed = parseLabel(label);
  return parsed?.kind === "presigned" ? `${parsed.path}, by presigned URLs` : label;
}

/**
 * A target for discarding a spool whose server or bucket no longer exists. It sends nothing, and reports every upload as
 * aborted.
 */
export function abandonedTarget(label: string, put: PutMode): UploadTarget {
  const refuse = async (): Promise<never> => {
    throw new TypeError("Nothing is sent to an abandoned server.");
  };
  return {
    label,
    put,
    putObject: refuse,
    createUpload: refuse,
    uploadPart: refuse,
    listParts: refuse,
    completeUpload: refuse,
    abortUpload: async () => {},
  };
}
