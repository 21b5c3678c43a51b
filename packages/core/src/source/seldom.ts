/** What a first read from afar that meets nothing unusual does without. One chunk, so that a bundler parts it from the rest once. */
export { blobSource } from "./blob-source.js";
export { bytesSource } from "./bytes-source.js";
export { linkSpeed } from "./link-speed.js";
export { oddAnswer } from "./odd-answer.js";
export { publicCause } from "./public-cause.js";
export { planRanges } from "./range-plan.js";
export { readHeads } from "./read-heads.js";
export { renewal } from "./renewal.js";
