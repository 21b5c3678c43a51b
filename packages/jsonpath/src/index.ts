export { fromNormalizedPath, toNormalizedPath } from "./normalized-path.js";
export { type QueryOptions, type QueryResult, query, queryPaths } from "./query.js";
