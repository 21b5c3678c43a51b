import type { Archive, Path } from "@peekpack/core";
import { LazyList, LazyMap } from "@peekpack/core";
import { describe } from "./listing.js";
import { isRoot, itemCount, placeInTable } from "./table.js";

/** Names and values; undefined ones are left out. */
export type Facts = Readonly<Record<string, string | number | undefined>>;

/** What is known of an open archive. */
export function archiveFacts(archive: Archive): Facts {
  const { core, node } = placeInTable(archive);
  const { label, codec, kind, size, dataBytes, tocBytes, offset, objectSize, version } = archive.info;
  return {
    label,
    codec,
    kind,
    items: itemCount(core, node),
    size,
    dataBytes,
    tocBytes,
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
  const place = placeInTable(value);
  if (place.core.nesting === 0 || !isRoot(place)) return facts;
  const { header, size, start } = place.core;
  return {
    ...facts,
    codec: header.protocol,
    size,
    dataBytes: header.tocStart,
    tocBytes: header.tocSize,
    offset: start,
  };
}

/** One fact a line. */
export function factLines(facts: Facts): string {
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(12)}${value}\n`)
    .join("");
}
