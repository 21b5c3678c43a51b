import type { Archive, Path } from "@peekpack/core";
import { LazyList, LazyMap } from "@peekpack/core";
import { outlineOf, rootArchiveOf } from "@peekpack/core/inspect";
import { describe } from "./listing.js";

/** Names and values; undefined ones are left out. */
export type Facts = Readonly<Record<string, string | number | undefined>>;

/** What is known of an open archive. */
export function archiveFacts(archive: Archive): Facts {
  const { label, codec, kind, size, dataBytes, tocBytes, offset, objectSize, version } = archive.info;
  return {
    label,
    codec,
    kind,
    items: outlineOf(archive).count,
    size,
    dataBytes,
    tocBytes,
    pageIndex: archive.info.pageIndex.state === "used" ? archive.info.pageIndex.bytes : undefined,
    offset,
    objectSize,
    version,
  };
}

/** What is known of what lies at a path. Of the root of a child archive: its codec and where it lies, too. */
export async function factsAt(archive: Archive, path: Path): Promise<Facts> {
  const value = await archive.get(path);
  const facts = { ...describe(value) };
  if (!(value instanceof LazyMap || value instanceof LazyList)) return facts;
  const root = rootArchiveOf(value);
  if (root === undefined || root.nesting === 0) return facts;
  const { codec, size, dataBytes, tocBytes, offset } = root;
  return { ...facts, codec, size, dataBytes, tocBytes, offset };
}

/** One fact a line. */
export function factLines(facts: Facts): string {
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(12)}${value}\n`)
    .join("");
}
