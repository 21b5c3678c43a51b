import { decodedMap } from "../codec/decoded-map.js";
import { PeekpackError } from "../errors.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveCore } from "./archive-core.js";
import { type Branch, childOf, keyAt, type Location, rootOf } from "./location.js";

/** Bytes of a combined archive that its children have not taken yet. They lie side by side, so that it is enough for all. */
interface Room {
  left: number;
}

/**
 * Everything at a location, as plain data that nothing else refers to.
 *
 * A container that has a span of its own is read in one piece and decoded at once: what an earlier read has left in the
 * cache is not fetched again. Only combined archives are put together from their children, all of them at the same time.
 * `room`: what they may take there, so that a small file whose children lie over each other does not become endless data.
 */
export async function materialize(at: Location, options?: ReadOptions, room?: Room): Promise<Value> {
  if (at.kind === "plain") return at.value;
  if (at.kind === "many") return Promise.all(at.items.map((item) => materialize(item, options)));
  const { core, node } = at;
  if (node.kind === "archive") {
    const child = await core.child(node.offset, options);
    take(room, child.size);
    return materialize(rootOf(child), options);
  }
  if (node.kind === "blocked") {
    const { bounds, length } = node.blocks;
    const span = { start: bounds[0]!, end: bounds[bounds.length - 1]! };
    take(room, span.end - span.start);
    const [bytes] = await core.read([span], options);
    return core.decode(bytes!, length, span.start);
  }
  if (node.span === undefined) return combined(core, node as Branch, options, room);
  take(room, node.span.end - node.span.start);
  return core.value(node.span, options);
}

async function combined(
  core: ArchiveCore,
  node: Branch,
  options?: ReadOptions,
  room: Room = { left: core.header.tocStart },
): Promise<Value> {
  const { size, keys, at } = core.toc.children(node);
  // All looked at before the first is read: where one is damaged, no other is left on its way. And read in another turn, so
  // that no table is deep enough to overflow the stack.
  const children = await Promise.all(Array.from({ length: size }, (_, i) => childOf(core, at(i))));
  const values = await Promise.all(children.map((child) => materialize(child, options, room)));
  if (keys === undefined) return values;
  return decodedMap(
    values.flatMap((value, i) => [keyAt(core, keys[i]!), value]),
    core.shared.maps,
  );
}

function take(room: Room | undefined, bytes: number): void {
  if (room === undefined) return;
  room.left -= bytes;
  if (room.left < 0) {
    throw new PeekpackError("corrupt", "The children of a combined archive lie over each other.", {
      section: "toc",
    });
  }
}
