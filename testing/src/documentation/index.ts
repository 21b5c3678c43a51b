export { type CodeBlock, codeBlocks } from "./code-blocks.js";
export { type PageProgram, pageProgram } from "./page-program.js";
export { documentationPages } from "./pages.js";
export { type Surroundings, surroundings } from "./sample.js";
