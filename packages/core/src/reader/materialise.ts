import { decodedMap } from "../codec/decoded-map.js";
import type { ReadOptions } from "../source/range-source.js";
import type { Value } from "../values.js";
import type { ArchiveCore } from "./archive-core.js";
import { type Branch, childOf, keyAt, type Location, rootOf } from "./location.js";

/**
 * Everything at a location, as plain data that nothing else refers to.
 *
 * A container that has a span of its own is read in one piece and decoded at once: what an earlier read has left in the
 * cache is not fetched again. Only combined archives are put together from their children, all of them at the same time.
 */
export async function materialise(at: Location, options?: ReadOptions): Promise<Value> {
  if (at.kind === "plain") return at.value;
  if (at.kind === "many") return Promise.all(at.items.map((item) => materialise(item, options)));
  const { core, node } = at;
  switch (node.kind) {
    case "value":
      return core.value(node.span, options);
    case "archive":
      return materialise(rootOf(await core.child(node.offset, options)), options);
    case "blocked": {
      const { bounds, length } = node.blocks;
      const span = { start: bounds[0]!, end: bounds[bounds.length - 1]! };
      const [bytes] = await core.read([span], options);
      return core.decode(bytes!, length, span.start);
    }
    default:
      return node.span === undefined ? combined(core, node, options) : core.value(node.span, options);
  }
}

async function combined(core: ArchiveCore, node: Branch, options?: ReadOptions): Promise<Value> {
  const count = core.toc.size(node);
  const values = await Promise.all(
    Array.from({ length: count }, (_, i) => materialise(childOf(core, core.toc.item(node, i)), options)),
  );
  if (node.kind === "list") return values;
  const { keys } = core.toc.keys(node);
  return decodedMap(
    values.flatMap((value, i) => [keyAt(core, keys[i]!), value]),
    core.shared.maps,
  );
}
