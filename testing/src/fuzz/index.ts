export { bytesOfCase, runCase } from "./cases.js";
export { type Corpus, corpus } from "./corpus.js";
export { exercise, type Verdict } from "./exercise.js";
export { mutated } from "./mutation.js";
export { Random, seedOfRun } from "./random.js";
export { randomTree, type TreeOptions } from "./random-tree.js";
