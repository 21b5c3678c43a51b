/** Where an archive lies, with all that is needed to read it. Lives in memory only: it may hold secrets. */
export type Place =
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
  | { readonly kind: "demo" };

/** What signs requests to S3. */
export interface S3Secret {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What may be said of a place in public: in the address bar, in a link, on a screenshot. */
export type PublicPlace =
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
  | { readonly kind: "demo" };

/** Takes away everything secret: credentials, user and password, query and fragment. */
export function publicPlace(place: Place): PublicPlace {
  switch (place.kind) {
    case "url": {
      const { origin, pathname, search } = new URL(place.url);
      return { kind: "url", url: origin + pathname, cut: search !== "" };
    }
    case "s3": {
      const { endpoint, region, path, credentials } = place;
      return { kind: "s3", endpoint: bare(endpoint), region, path, signed: credentials !== undefined };
    }
    case "file":
      return { kind: "file", name: place.file.name };
    case "demo":
      return place;
  }
}

/** A name for a place, fit for headings. */
export function placeName(place: PublicPlace): string {
  switch (place.kind) {
    case "url":
      return decoded(place.url.split("/").pop() || new URL(place.url).host);
    case "s3":
      return place.path.split("/").pop() || place.path;
    case "file":
      return place.name;
    case "demo":
      return "demonstration.msgl";
  }
}

/** The whole public address of a place. */
export function placeAddress(place: PublicPlace): string {
  switch (place.kind) {
    case "url":
      return place.url;
    case "s3":
      return place.endpoint === undefined
        ? `s3://${place.path}`
        : `${place.endpoint.replace(/\/$/, "")}/${place.path}`;
    case "file":
      return `${place.name}, a file on this computer`;
    case "demo":
      return "made in this page, behind a simulated link";
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
