import { crc32 } from "node:zlib";
import { PeekpackError } from "@peekpack/core";
import type { PutMode } from "@peekpack/s3";
import {
  isObject,
  isPartSize,
  isPutMode,
  isSize,
  isSpoolStep,
  SPOOL_LAYOUT,
  type SpoolStep,
} from "@peekpack/s3/internal";
import { checksumBytes } from "./block-checksums.js";

/** One entry of a journal. It never holds a credential, nor a URL with a query. */
export type JournalEntry =
  | {
      /** Layout of the spool. */
      readonly v: typeof SPOOL_LAYOUT;
      readonly target: string;
      readonly put: PutMode;
      readonly begun: string;
      readonly partSize?: number | undefined;
    }
  | {
      /** The header, in base64. */
      readonly sealed: string;
      readonly bodySize: number;
      readonly synced: boolean;
      /** The checksums of the body's blocks, in base64. */
      readonly blocks: string;
    }
  | { readonly from: string }
  | SpoolStep;

/** Encodes an entry as a line: CRC32, sequence number and JSON. */
export function encodeLine(sequence: number, entry: JournalEntry): string {
  const text = `${sequence} ${JSON.stringify(entry)}`;
  return `${crc32(text).toString(16).padStart(8, "0")} ${text}`;
}

/**
 * Decodes a line. Undefined if its checksum is wrong, as that of an incomplete line.
 * @throws PeekpackError `corrupt` if the entry is invalid
 */
export function decodeLine(
  line: string,
): { readonly sequence: number; readonly entry: JournalEntry } | undefined {
  const [, sum, text, sequence, json] = /^([0-9a-f]{8}) ((\d+) (.*))$/.exec(line) ?? [];
  if (text === undefined || crc32(text) !== Number.parseInt(sum!, 16)) return undefined;
  const entry = parseJson(json!);
  if (!isEntry(entry)) {
    throw new PeekpackError("corrupt", `line ${sequence} of its journal is invalid`, { section: "spool" });
  }
  return { sequence: Number(sequence), entry };
}

/** The layout that a journal names in its first line; undefined if it names none. */
export function layoutOf(content: string): number | undefined {
  const found = /^\n?(?:[0-9a-f]{8} \d+ )?\{"v":(\d+)[,}]/.exec(content);
  return found === null ? undefined : Number(found[1]);
}

function isEntry(value: unknown): value is JournalEntry {
  if (!isObject(value)) return false;
  switch (Object.keys(value)[0]) {
    case "v":
      return (
        value.v === SPOOL_LAYOUT &&
        typeof value.target === "string" &&
        isPutMode(value.put) &&
        typeof value.begun === "string" &&
        !Number.isNaN(Date.parse(value.begun)) &&
        (value.partSize === undefined || isPartSize(value.partSize))
      );
    case "sealed":
      return (
        isBase64(value.sealed) &&
        isSize(value.bodySize) &&
        typeof value.synced === "boolean" &&
        isBase64(value.blocks) &&
        Buffer.from(value.blocks, "base64").length === checksumBytes(value.bodySize)
      );
    case "from":
      return typeof value.from === "string";
    default:
      return isSpoolStep(value);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isBase64(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
}
