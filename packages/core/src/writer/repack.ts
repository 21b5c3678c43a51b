import type { TableNode } from "../format/table-view.js";
import type { ArchiveReader } from "../reader/archive-reader.js";
import { blockWindows, entryWindows } from "../reader/entries.js";
import { nodeOf } from "../reader/entry.js";
import { type NodeLocation, rootOf } from "../reader/lookup.js";
import type { Value } from "../values.js";
import { isCanonical } from "./canonical.js";
import { EncodedItem } from "./encoded-item.js";
import { Frame, type ValueWriter } from "./frame.js";

/** A handle of the reader, which knows where its value is. */
interface Lazy {
  "~location"(): NodeLocation;
}

/** Whether a value is a lazy handle: an open archive, a LazyMap or a LazyList, also of another copy of this package. */
export function isLazy(value: object): value is Lazy {
  return "~location" in value;
}

/**
 * Writes the value of a lazy handle, with a new table. Reads one window of children at a time. Copies bytes that are already what
 * the encoder would write, and encodes others anew item by item, so that an integral float stays a float. Archives inside
 * become ordinary values.
 */
export async function repack(writer: ValueWriter, handle: Lazy, depth: number): Promise<boolean> {
  const { archive, node } = handle["~location"]();
  return repackNode(writer, archive, node, depth);
}

async function repackNode(
  writer: ValueWriter,
  archive: ArchiveReader,
  node: TableNode,
  depth: number,
): Promise<boolean> {
  switch (node.kind) {
    case "archive": {
      const child = rootOf(await archive.child(node));
      return repackNode(writer, child.archive, child.node, depth);
    }
    case "value": {
      const [bytes] = await archive.read([node.span]);
      return repackBytes(writer, archive, bytes!, depth);
    }
    case "blocked": {
      const frame = await Frame.open(writer, false, node.length, depth);
      for await (const { blocks, first, last } of blockWindows(archive, node)) {
        const span = { start: blocks.bounds[first]!, end: blocks.bounds[last]! };
        const count = blocks.before[last]! - blocks.before[first]!;
        const [bytes] = await archive.read([span]);
        archive.check(bytes!, count, span.start);
        const cursor = archive.cursor(bytes!);
        let start = 0;
        for (let i = 0; i < count; i++) {
          const end = cursor.skip(start);
          const item = bytes!.subarray(start, end);
          await frame.child(blocks.before[first]! + i, () =>
            repackBytes(writer, archive, item, depth + 1, true),
          );
          start = end;
        }
        await writer.flush();
      }
      return frame.close();
    }
    default: {
      const { table } = archive;
      const decode = (bytes: Uint8Array): Value => archive.decodePlain(bytes);
      const frame = await Frame.open(writer, node.kind === "map", table.size(node), depth);
      for await (const window of entryWindows(archive, node)) {
        const children = window.map(nodeOf);
        const spans = children.flatMap((child) => (child.kind === "value" ? [child.span] : []));
        const read = await archive.read(spans);
        let next = 0;
        for (const [i, entry] of window.entries()) {
          const child = children[i]!;
          const bytes = child.kind === "value" ? read[next++]! : undefined;
          const write = (): boolean | Promise<boolean> =>
            bytes === undefined
              ? repackNode(writer, archive, child, depth + 1)
              : repackBytes(writer, archive, bytes, depth + 1);
          if (node.kind === "map") {
            const name = table.key(entry);
            const { protocol } = archive.header;
            frame.key(new EncodedItem(entry.view.cursor, protocol, entry.key, decode), name);
            await frame.child(name, write);
          } else {
            await frame.child(entry.index, write);
          }
        }
        await writer.flush();
      }
      return frame.close();
    }
  }
}

/** Writes one encoded value. `checked`: its bytes were checked to be well-formed. */
function repackBytes(
  writer: ValueWriter,
  archive: ArchiveReader,
  bytes: Uint8Array,
  depth: number,
  checked = false,
): boolean {
  if (!checked) archive.check(bytes, 1, 0);
  const { encoder } = writer;
  const { protocol } = archive.header;
  if (
    protocol === encoder.data.protocol &&
    encoder.toc.isSmall(bytes.length) &&
    isCanonical(bytes, protocol)
  ) {
    encoder.data.raw(bytes);
    return bytes.length <= encoder.options.trivialSize;
  }
  return encoder.value(
    new EncodedItem(archive.cursor(bytes), protocol, 0, (item) => archive.decodePlain(item)),
    depth,
  );
}
