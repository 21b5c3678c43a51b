import type { TableNode } from "../format/table-view.js";

/** Thrown if a large child that was found by its hash has another key. The lookup is repeated through the hash blocks. */
export class KeyMismatch extends Error {}

/** Waits until a large node has been compared with the table's own bytes. Resolves at once for any other node. */
export async function verified(node: TableNode): Promise<void> {
  if (node.kind === "blocked") {
    if (!("before" in node.blocks)) await node.blocks.verified;
  } else if ("entries" in node && !("view" in node.entries)) {
    await node.entries.verified;
  }
}
