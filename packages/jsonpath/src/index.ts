export { fromNormalizedPath, toNormalizedPath } from "./normalized-path.js";
export { type Queried, type QueryOptions, type QueryResult, query, queryPaths } from "./query.js";
