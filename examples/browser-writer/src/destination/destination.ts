import { httpSource, type RangeSource } from "@peekpack/core";
import { type PutMode, presignedTarget, type S3Credentials, s3Store, type UploadTarget } from "@peekpack/s3";
import { type MeteredFetch, meteredFetch } from "@peekpack/web-storage";
import { askForUrl } from "./signing-service.js";

/** Where an archive goes, with all that is needed to write it. Lives in memory only: it may hold credentials. */
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
      /** Who signs: an address, as the page's own '/presign'. */
      readonly service: string;
      readonly path: string;
      readonly put: PutMode;
    };

/** A destination that is worked with. */
export interface OpenDestination {
  /** What the spool uploads to. Its label is all that is kept of the destination, and holds no secret. */
  readonly target: UploadTarget;
  readonly meter: MeteredFetch;
  /** The object, for reading it back. */
  source(): RangeSource;
  /** An address to read the object with, for an hour. */
  link(): Promise<string>;
}

/** Opens a destination. Nothing is sent. */
export function openDestination(destination: Destination): OpenDestination {
  const { path, put } = destination;
  const meter = meteredFetch();
  if (destination.kind === "signed") {
    const { endpoint, region, credentials } = destination;
    const store = s3Store({ endpoint, region, credentials, fetch: meter });
    return {
      target: store.target(path, { put }),
      meter,
      source: () => store.source(path),
      link: () => store.presign(path),
    };
  }
  const { service } = destination;
  const label = presignedLabel(service, path);
  const link = (): Promise<string> => askForUrl(service, path, { method: "GET", query: {}, headers: {} });
  return {
    target: presignedTarget((request) => askForUrl(service, path, request), { label, put, fetch: meter }),
    meter,
    source: () => httpSource(link, { label }),
    link,
  };
}

/** What a spool's label tells of its destination: all but the credentials. */
export type Recalled =
  | { readonly kind: "presigned"; readonly service: string; readonly path: string }
  | { readonly kind: "signed"; readonly endpoint: string | undefined; readonly path: string };

const SIGNED_BY = ", signed by ";

function presignedLabel(service: string, path: string): string {
  return `${path}${SIGNED_BY}${service.replace(/[?#].*$/, "")}`;
}

/** Reads a label; undefined for one that this page has not made. */
export function recall(label: string): Recalled | undefined {
  const cut = label.lastIndexOf(SIGNED_BY);
  if (cut > 0) {
    return { kind: "presigned", path: label.slice(0, cut), service: label.slice(cut + SIGNED_BY.length) };
  }
  if (label.startsWith("s3://")) {
    return { kind: "signed", endpoint: undefined, path: label.slice("s3://".length) };
  }
  // As in the page's form, an endpoint is a host: what follows is bucket and key.
  const [, endpoint, path] = /^(https?:\/\/[^/]+)\/([^/]+\/.+)$/.exec(label) ?? [];
  return path === undefined ? undefined : { kind: "signed", endpoint, path };
}

/** A name for an object, fit for headings. */
export function objectName(label: string): string {
  const path = recall(label)?.path ?? label;
  return path.split("/").pop() || path;
}

/** Where an object lies, for people. */
export function objectPlace(label: string): string {
  const recalled = recall(label);
  return recalled?.kind === "presigned" ? `${recalled.path}, by presigned URLs` : label;
}

/**
 * The target of a spool of which only this browser's part is to be removed, as its server or bucket is no more: it takes
 * everything for given up.
 */
export function forgottenTarget(label: string, put: PutMode): UploadTarget {
  const refuse = async (): Promise<never> => {
    throw new TypeError("Nothing is sent to a server that is given up.");
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
