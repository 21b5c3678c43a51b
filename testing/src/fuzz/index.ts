export { bytesOfCase, runCase } from "./cases.js";
export { type Corpus, corpus } from "./corpus.js";
export { exercise, type Verdict } from "./exercise.js";
export { runIndexCase } from "./index-case.js";
export { type IndexSubject, indexSubjects } from "./index-subjects.js";
export { mutated } from "./mutation.js";
export { Random, seedOfRun } from "./random.js";
export { randomTree, type TreeOptions } from "./random-tree.js";
