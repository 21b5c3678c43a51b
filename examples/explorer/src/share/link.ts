import type { PublicAddress } from "../archive/address.js";
import { DEMO_NAMES } from "../demo/demonstration.js";
import { readViewState, type ViewState, viewFields } from "./view-state.js";

/** How a query is written: a pattern of keys, JSONPath, or a text that keys (or values too) contain. */
export const QUERY_KINDS = ["select", "jsonpath", "keys", "values"] as const;

/** A query of an archive. */
export interface Query {
  readonly kind: (typeof QUERY_KINDS)[number];
  readonly text: string;
}

/** What the address of the page names: an archive, a path in it, and what is seen there. No credential, no query string. */
export interface Link {
  readonly address: PublicAddress;
  /** As in {@link pathText}. */
  readonly path: string;
  /** A query whose matches are shown. */
  readonly query: Query | undefined;
  /** How the entry, or the matches, are shown. */
  readonly view: ViewState;
}

/** A link as the fragment of the page's address, "#" included. Browsers do not send fragments to servers. */
export function writeLink({ address, path, query, view }: Link): string {
  const fields: [string, string][] = [];
  switch (address.kind) {
    case "url":
      fields.push(["url", address.url]);
      if (address.cut) fields.push(["cut", "1"]);
      break;
    case "s3":
      fields.push(["s3", address.path]);
      if (address.endpoint !== undefined) fields.push(["endpoint", address.endpoint]);
      if (address.region !== undefined) fields.push(["region", address.region]);
      if (address.signed) fields.push(["signed", "1"]);
      break;
    case "file":
      fields.push(["file", address.name]);
      break;
    case "demo":
      fields.push(["demo", address.name]);
  }
  if (path !== "") fields.push(["path", path]);
  if (query !== undefined) fields.push([query.kind, query.text]);
  fields.push(...viewFields(view));
  return `#${fields.map(([name, value]) => `${name}=${encoded(value)}`).join("&")}`;
}

/** Parses a fragment that {@link writeLink} wrote. Undefined if it names no archive. */
export function readLink(fragment: string): Link | undefined {
  const fields = new Map(
    fragment
      .replace(/^#/, "")
      .split("&")
      .map((field) => {
        const cut = field.indexOf("=");
        return [field.slice(0, cut < 0 ? undefined : cut), cut < 0 ? "" : decoded(field.slice(cut + 1))];
      }),
  );
  const address = addressOf(fields);
  if (address === undefined) return undefined;
  const kind = QUERY_KINDS.find((name) => fields.has(name));
  const query = kind && { kind, text: fields.get(kind)! };
  return { address, path: fields.get("path") ?? "", query, view: readViewState(fields) };
}

function addressOf(fields: ReadonlyMap<string, string>): PublicAddress | undefined {
  const url = fields.get("url");
  if (url !== undefined) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) return undefined;
    const { origin, pathname, search } = new URL(url);
    // A link of this page has no query. One that was pasted is removed.
    return { kind: "url", url: origin + pathname, cut: fields.has("cut") || search !== "" };
  }
  const path = fields.get("s3");
  if (path !== undefined) {
    const endpoint = fields.get("endpoint");
    if (endpoint !== undefined && !/^https?:\/\//.test(endpoint)) return undefined;
    return { kind: "s3", path, endpoint, region: fields.get("region"), signed: fields.has("signed") };
  }
  const name = fields.get("file");
  if (name !== undefined) return { kind: "file", name };
  if (!fields.has("demo")) return undefined;
  return { kind: "demo", name: DEMO_NAMES.find((demo) => demo === fields.get("demo")) ?? "simulations" };
}

/** Percent-encoded, except for characters that a fragment allows and people read more easily. */
function encoded(value: string): string {
  return encodeURIComponent(value).replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll("%2C", ",");
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
