import { encodeArchive } from "@peekpack/core";
import { simulations } from "./simulations.js";

/** An archive of made-up simulations, about 20 MB, in a Blob: the browser may keep it on disk. A chunk of its own: it holds the writer. */
export function demonstration(): Blob {
  // Positions in space are small enough to lie in blocks: else each of them would be an entry of the table of contents.
  const bytes = encodeArchive(simulations(280), { trivialSize: 32 });
  return new Blob([bytes as Uint8Array<ArrayBuffer>]);
}
