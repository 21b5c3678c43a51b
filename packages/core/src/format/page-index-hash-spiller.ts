import { concat } from "../bytes.js";
import { type HashSpill, mergeRuns } from "./page-index-hash-runs.js";
import { KeyHashes } from "./page-index-hashes.js";
import type { IndexedNode } from "./page-index-layout.js";
import type { OpenNode } from "./page-index-open-node.js";

/** Entries of an open map from which on they are spilled. */
const RUN_ENTRIES = 256 * 1024;
/** Hash blocks that are spilled together, in bytes for each entry of a run. */
const BLOCK_BYTES = 8;

/** The hashes of the maps of a table: in memory, or in a spill. */
export class HashSpiller {
  readonly #runEntries: number;
  readonly #spare: KeyHashes[] = [];
  /** Maps that have ended after some of their hashes were spilled. */
  #ended: { readonly open: OpenNode; readonly node: IndexedNode }[] = [];
  /** Bytes of hash blocks in memory. */
  #blockBytes = 0;
  #isUsed = false;

  /** `runEntries`: entries of an open map from which on they are spilled. */
  constructor(runEntries: number = RUN_ENTRIES) {
    this.#runEntries = runEntries;
  }

  /** Whether anything was spilled. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** Begins a map. */
  open(): KeyHashes {
    return this.#spare.pop()?.reset() ?? new KeyHashes();
  }

  /** Takes note of a node that has ended. */
  close(open: OpenNode, node: IndexedNode): void {
    this.#blockBytes += node.hashes?.bytes?.length ?? 0;
    if (open.runs.length > 0) this.#ended.push({ open, node });
    else if (open.hashes !== undefined) this.#spare.push(open.hashes);
  }

  /**
   * Spills hashes of the open nodes, and hash blocks of nodes that have ended, if they take more than a few MiB. Returns false
   * if a map that has ended holds a key twice.
   */
  async spill(
    innermost: OpenNode | undefined,
    nodes: readonly IndexedNode[],
    spill: HashSpill,
  ): Promise<boolean> {
    for (let node = innermost; node !== undefined; node = node.parent) {
      if (node.hashes !== undefined && node.hashes.count >= this.#runEntries) {
        await this.#spillRun(node, false, spill);
      }
    }
    const ended = this.#ended;
    this.#ended = [];
    for (const { open, node } of ended) {
      while (open.hashes!.count > 0) await this.#spillRun(open, true, spill);
      this.#spare.push(open.hashes!);
      node.hashes = await mergeRuns(open.runs, spill);
      if (node.hashes === undefined) return false;
    }
    if (this.#blockBytes >= this.#runEntries * BLOCK_BYTES) await this.spillBlocks(nodes, spill);
    return true;
  }

  /** Spills all hash blocks that are in memory. */
  async spillBlocks(nodes: readonly IndexedNode[], spill: HashSpill): Promise<void> {
    const blocks = nodes.flatMap(({ hashes }) => (hashes?.bytes === undefined ? [] : hashes));
    let at = await spill.append(concat(blocks.map(({ bytes }) => bytes!)));
    for (const spilled of blocks) {
      spilled.at = at;
      at += spilled.bytes!.length;
      spilled.bytes = undefined;
    }
    this.#blockBytes = 0;
    this.#isUsed = true;
  }

  async #spillRun(node: OpenNode, isWhole: boolean, spill: HashSpill): Promise<void> {
    const run = node.hashes!.takeRun(node.pages, isWhole);
    if (run.length === 0) return;
    node.runs.push({ at: await spill.append(run), size: run.length });
    this.#isUsed = true;
  }
}
