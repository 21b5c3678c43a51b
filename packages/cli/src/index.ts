export { main, type Streams } from "./command-line.js";
