/** What a first read from afar that meets nothing unusual does without. One chunk, so that a bundler parts it from the rest once. */
export { localSource } from "./local-source.js";
export { oddAnswer } from "./odd-answer.js";
export { publicCause } from "./public-cause.js";
export { renewal } from "./renewal.js";
export { retrying } from "./retrying.js";
export { withScheduler } from "./scheduler.js";
