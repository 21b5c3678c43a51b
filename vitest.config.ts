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
    // Tests often wait for servers: one more than there are cores.
    maxWorkers: availableParallelism() + 1,
  },
});
