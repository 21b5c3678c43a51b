/** What reading does without as long as nothing is refused: one chunk, as parts of a bundle cost something each. */
export { presignedQuery } from "./presigned-query.js";
export { readRefusal } from "./refusal.js";
