import { encodeArchive } from "@peekpack/core";
import { simulations } from "./simulations.js";

/** An archive of made-up simulations, about 14 MB, in a Blob: the browser may keep it on disk. A chunk of its own: it holds the writer. */
export function demonstration(): Blob {
  return new Blob([encodeArchive(simulations(1500)) as Uint8Array<ArrayBuffer>]);
}
