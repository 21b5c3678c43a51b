import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import projects from "./vitest.workspace.js";

export default defineConfig({
  resolve: { conditions: ["@peekpack/source"] },
  ssr: { resolve: { conditions: ["@peekpack/source"] } },
  test: {
    projects,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // Tests mostly wait for servers: use all cores.
    maxWorkers: Math.max(2, availableParallelism()),
  },
});
