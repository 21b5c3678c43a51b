import type { ReadOptions } from "../source/range-source.js";
import { ahead } from "./ahead.js";
import type { ArchiveCore } from "./archive-core.js";
import { blockWindows } from "./children.js";
import type { ListNode } from "./lazy-list.js";
import { type NumberArrayOf, type NumberType, numberArray, readNumbers, setNumber } from "./number-array.js";

/**
 * Reads the numbers of a list into a typed array: straight from their bytes where the list has blocks, else from its items.
 * @throws PeekpackError `unsupported-value` for an item that is no number or does not fit; TypeError for a type that is none
 */
export async function readColumn<T extends NumberType>(
  core: ArchiveCore,
  node: ListNode,
  type: T,
  items: () => AsyncIterable<unknown>,
  options?: ReadOptions,
): Promise<NumberArrayOf<T>> {
  const target = numberArray(type, node.kind === "blocked" ? node.blocks.length : node.count);
  if (node.kind === "blocked") {
    const { before, bounds } = node.blocks;
    const loading = ahead(blockWindows(core, node), async ([first, last]) => {
      const [bytes] = await core.read([{ start: bounds[first]!, end: bounds[last]! }], options);
      return [{ first, last, bytes: bytes! }];
    });
    for await (const { first, last, bytes } of loading) {
      const count = before[last]! - before[first]!;
      readNumbers(bytes, core.header.protocol, count, type, target, before[first]!);
    }
  } else {
    let index = 0;
    for await (const item of items()) setNumber(target, type, index++, item);
  }
  return target;
}
