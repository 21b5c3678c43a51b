import type { TocNode } from "../format/toc.js";
import type { ArchiveCore } from "../reader/archive-core.js";
import { blockWindows, windows } from "../reader/children.js";
import { keyAt, type Location, rootOf } from "../reader/location.js";
import { materialize } from "../reader/materialize.js";
import type { Value } from "../values.js";
import { isCanonical } from "./canonical.js";
import { EncodedItem } from "./encoded-item.js";
import { Frame, type ValueWriter } from "./frame.js";

/** A handle of the reader, which knows where its value is. */
interface Lazy {
  "~location"(): Location;
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
  const at = handle["~location"]();
  if (at.kind !== "node") {
    return writer.value(await materialize(at), depth);
  }
  return repackNode(writer, at.core, at.node, depth);
}

async function repackNode(
  writer: ValueWriter,
  core: ArchiveCore,
  node: TocNode,
  depth: number,
): Promise<boolean> {
  switch (node.kind) {
    case "archive": {
      const child = rootOf(await core.child(node.offset)) as Location & { kind: "node" };
      return repackNode(writer, child.core, child.node, depth);
    }
    case "value": {
      const [bytes] = await core.read([node.span]);
      return repackBytes(writer, core, bytes!, depth);
    }
    case "blocked": {
      const { blocks } = node;
      const frame = await Frame.open(writer, false, blocks.length, depth);
      for (const [first, last] of blockWindows(core, node)) {
        const span = { start: blocks.bounds[first]!, end: blocks.bounds[last]! };
        const count = blocks.before[last]! - blocks.before[first]!;
        const [bytes] = await core.read([span]);
        core.check(bytes!, count, span.start);
        const cursor = core.cursor(bytes!);
        let start = 0;
        for (let i = 0; i < count; i++) {
          const end = cursor.skip(start);
          const item = bytes!.subarray(start, end);
          await frame.child(blocks.before[first]! + i, () =>
            repackBytes(writer, core, item, depth + 1, true),
          );
          start = end;
        }
        await writer.flush();
      }
      return frame.close();
    }
    default: {
      const { toc } = core;
      const decode = (bytes: Uint8Array): Value => core.decodePlain(bytes);
      const frame = await Frame.open(writer, node.kind === "map", toc.size(node), depth);
      for (const window of windows(core, node)) {
        const spans = window.flatMap((child) => (child.node.kind === "value" ? [child.node.span] : []));
        const read = await core.read(spans);
        let next = 0;
        for (const { index, node: child, key } of window) {
          const bytes = child.kind === "value" ? read[next++]! : undefined;
          const write = (): boolean | Promise<boolean> =>
            bytes === undefined
              ? repackNode(writer, core, child, depth + 1)
              : repackBytes(writer, core, bytes, depth + 1);
          if (node.kind === "map") {
            const name = keyAt(core, key);
            frame.key(new EncodedItem(toc.cursor, core.header.protocol, key, decode), name);
            await frame.child(name, write);
          } else {
            await frame.child(index, write);
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
  core: ArchiveCore,
  bytes: Uint8Array,
  depth: number,
  checked = false,
): boolean {
  if (!checked) core.check(bytes, 1, 0);
  const { encoder } = writer;
  const { protocol } = core.header;
  if (
    protocol === encoder.data.protocol &&
    encoder.toc.isSmall(bytes.length) &&
    isCanonical(bytes, protocol)
  ) {
    encoder.data.raw(bytes);
    return bytes.length <= encoder.options.trivialSize;
  }
  return encoder.value(
    new EncodedItem(core.cursor(bytes), protocol, 0, (item) => core.decodePlain(item)),
    depth,
  );
}
