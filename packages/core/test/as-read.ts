import { fromTagged, type TaggedJson, toTagged } from "@peekpack/testing/fixtures";
import { sortedSet } from "../src/writer/sorted-set.js";

/** What is read where sets were written: lists in the reference's order. */
export function asRead(node: TaggedJson): TaggedJson {
  if (Array.isArray(node)) return node.map(asRead);
  if (node === null || typeof node !== "object") return node;
  const members = node.$set;
  if (members !== undefined) {
    return sortedSet(fromTagged({ $set: members }) as Set<unknown>, "sorted").map((member) =>
      toTagged(member),
    );
  }
  return Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, asRead(inner as TaggedJson)]));
}
