export { type SlowSourceOptions, slowSource } from "./source/slow-source.js";
