import type { Rest } from "./archive-core.js";

/** Loads what a first read does without. It rejects where a page cannot load its own chunks, as when it is offline. */
export const loadRest = (): Promise<Rest> => import("./rest.js");
