import { encodeArchive } from "@peekpack/core";
import { simulations } from "./simulations.js";

// Positions in space are indexed by blocks. Otherwise each would be an entry of the table of contents.
const bytes = encodeArchive(simulations(280), { trivialSize: 32 });
postMessage(new Blob([bytes as Uint8Array<ArrayBuffer>]));
