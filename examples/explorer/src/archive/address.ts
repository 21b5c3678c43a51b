import type { DemoName } from "../demo/demonstration.js";

/** Where an archive is, with all that is needed to read it. It may contain secrets, and stays in memory. */
export type Address =
  | { readonly kind: "url"; readonly url: string }
  | {
      readonly kind: "s3";
      /** Undefined for AWS. */
      readonly endpoint: string | undefined;
      readonly region: string | undefined;
      /** "bucket/key". */
      readonly path: string;
      readonly credentials: S3Secret | undefined;
    }
  | { readonly kind: "file"; readonly file: File }
  | { readonly kind: "demo"; readonly name: DemoName };

/** Credentials that sign requests to S3. */
export interface S3Secret {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** An address without secrets: fit for the address bar, a link, a screenshot. */
export type PublicAddress =
  | { readonly kind: "url"; readonly url: string /** Whether a query was left out. */; readonly cut: boolean }
  | {
      readonly kind: "s3";
      readonly endpoint: string | undefined;
      readonly region: string | undefined;
      readonly path: string;
      /** Whether it was read with credentials. */
      readonly signed: boolean;
    }
  | { readonly kind: "file"; readonly name: string }
  | { readonly kind: "demo"; readonly name: DemoName };

/** Removes everything secret: credentials, user and password, query and fragment. */
export function publicAddress(address: Address): PublicAddress {
  switch (address.kind) {
    case "url": {
      const { origin, pathname, search } = new URL(address.url);
      return { kind: "url", url: origin + pathname, cut: search !== "" };
    }
    case "s3": {
      const { endpoint, region, path, credentials } = address;
      return { kind: "s3", endpoint: bare(endpoint), region, path, signed: credentials !== undefined };
    }
    case "file":
      return { kind: "file", name: address.file.name };
    case "demo":
      return address;
  }
}

/** A short name of an address, for headings. */
export function addressName(address: PublicAddress): string {
  switch (address.kind) {
    case "url":
      return decoded(address.url.split("/").pop() || new URL(address.url).host);
    case "s3":
      return address.path.split("/").pop() || address.path;
    case "file":
      return address.name;
    case "demo":
      return `${address.name}.msglc`;
  }
}

/** The whole address as text. */
export function addressText(address: PublicAddress): string {
  switch (address.kind) {
    case "url":
      return address.url;
    case "s3":
      return address.endpoint === undefined
        ? `s3://${address.path}`
        : `${address.endpoint.replace(/\/$/, "")}/${address.path}`;
    case "file":
      return `${address.name}, a file on this computer`;
    case "demo":
      return "generated in this page, over a simulated connection";
  }
}

function bare(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined) return undefined;
  const { origin, pathname } = new URL(endpoint);
  return origin + (pathname === "/" ? "" : pathname);
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
