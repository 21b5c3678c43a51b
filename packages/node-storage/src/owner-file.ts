import { crc32 } from "node:zlib";
import { isObject } from "@peekpack/s3/internal";
import type { ProcessIdentity } from "./process-identity.js";

const FIELDS: readonly string[] = ["pid", "host", "started", "boot", "namespace"];

/**
 * The content of an owner file: the identity of a process, with a checksum that versions without checksums ignore. `null` if the
 * spool is released.
 */
export function encodeOwner(identity: ProcessIdentity | null): string {
  if (identity === null) return "null";
  return JSON.stringify({ ...identity, crc32: crc32(JSON.stringify(identity)) });
}

/** Decodes the content of an owner file. Undefined if it is damaged. */
export function decodeOwner(text: string): ProcessIdentity | null | undefined {
  const value: unknown = JSON.parse(text);
  if (value === null) return null;
  if (!isObject(value)) return undefined;
  const { crc32: sum, ...identity } = value;
  const sound =
    typeof identity.pid === "number" &&
    typeof identity.host === "string" &&
    Object.keys(identity).every((name) => FIELDS.includes(name)) &&
    // Earlier versions wrote no checksum.
    (sum === undefined || sum === crc32(JSON.stringify(identity)));
  return sound ? (identity as unknown as ProcessIdentity) : undefined;
}
