import { parseXML } from "@aws-sdk/xml-builder";
import { malformedXml } from "./s3-error.js";

/** Content of an element: text, children by name, or an array for repeated elements. Undefined is omitted. */
export type XmlValue =
  | string
  | number
  | boolean
  | undefined
  | readonly XmlValue[]
  | { readonly [name: string]: XmlValue };

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

const escapeText = (text: string): string =>
  text.replace(/[<>&"'\r]|[^\S\n ]|\p{Cc}/gu, (c) => `&#x${c.codePointAt(0)?.toString(16)};`);

function element(name: string, value: XmlValue): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return value.map((item) => element(name, item)).join("");
  if (typeof value !== "object") return `<${name}>${escapeText(String(value))}</${name}>`;
  return `<${name}>${children(value as { readonly [name: string]: XmlValue })}</${name}>`;
}

const children = (value: { readonly [name: string]: XmlValue }): string =>
  Object.entries(value)
    .map(([name, child]) => element(name, child))
    .join("");

/** Renders a document in S3's namespace. */
export const renderXml = (root: string, value: { readonly [name: string]: XmlValue }): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${children(value)}</${root}>`;

/** Renders an error document. S3 gives it no namespace. */
export const renderErrorXml = (value: { readonly [name: string]: XmlValue }): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${children(value)}</Error>`;

/** A parsed element. */
export class XmlElement {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  /** All children with that name. */
  all(name: string): XmlElement[] {
    if (typeof this.#value !== "object" || this.#value === null) return [];
    const child = (this.#value as Record<string, unknown>)[name];
    if (child === undefined) return [];
    return (Array.isArray(child) ? child : [child]).map((item) => new XmlElement(item));
  }

  /** Text of the first child with that name. */
  text(name: string): string | undefined {
    return this.all(name)[0]?.own();
  }

  /** The element's own text. */
  own(): string {
    if (typeof this.#value === "string") return this.#value;
    const text = (this.#value as Record<string, unknown> | undefined)?.["#text"];
    return typeof text === "string" ? text : "";
  }
}

/**
 * Parses a request's document and checks the name of its root.
 * @throws S3Error MalformedXML
 */
export function readXml(text: string, root: string): XmlElement {
  let parsed: Record<string, unknown>;
  try {
    parsed = parseXML(text) as Record<string, unknown>;
  } catch {
    throw malformedXml();
  }
  if (parsed[root] === undefined) throw malformedXml();
  return new XmlElement(parsed[root]);
}
