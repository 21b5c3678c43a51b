export { Random, seedOfRun } from "./random.js";
export { randomTree, type TreeOptions } from "./random-tree.js";
