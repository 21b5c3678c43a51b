/** The test projects, for `test.projects` in vitest.config.ts. */
const project = (name: string, root: string, extra: Record<string, unknown> = {}) => ({
  extends: true as const,
  root,
  test: { name, include: ["test/**/*.test.ts"], ...extra },
});

export default [
  project("core", "packages/core"),
  project("jsonpath", "packages/jsonpath"),
  project("arrow", "packages/arrow"),
  project("s3", "packages/s3"),
  project("node-storage", "packages/node-storage"),
  project("web-storage", "packages/web-storage"),
  project("zstd", "packages/zstd"),
  project("cli", "packages/cli"),
  project("testing", "testing"),
  project("benchmarks", "benchmarks"),
  project("explorer", "examples/explorer"),
  project("browser-writer", "examples/browser-writer"),
  project("quickstart-node", "examples/quickstart-node"),
  project("parallel-writers", "examples/parallel-writers"),
  project("distributed-writers", "examples/distributed-writers"),
];
