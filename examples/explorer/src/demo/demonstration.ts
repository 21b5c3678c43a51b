import { encodeArchive } from "@peekpack/core";
import { simulations } from "./simulations.js";

/** An archive of generated simulations, about 20 MB, in a Blob that the browser may store on disk. A separate chunk, because it needs the writer. */
export function demonstration(): Blob {
  // Positions in space are indexed by blocks. Otherwise each would be an entry of the table of contents.
  const bytes = encodeArchive(simulations(280), { trivialSize: 32 });
  return new Blob([bytes as Uint8Array<ArrayBuffer>]);
}
