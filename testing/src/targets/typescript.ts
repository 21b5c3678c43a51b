import { printedFailure } from "./printed-failure.js";
import type { Results, Target } from "./target.js";

const PLATFORM_FREE = ["core", "core/inspect", "core/tagged", "core/verify", "jsonpath", "s3", "zstd"];
interface Case {
  readonly name: string;
  readonly lib: readonly string[];
  readonly types: readonly string[];
  readonly packages: readonly string[];
  readonly options?: object;
}

const CASES: readonly Case[] = [
  {
    name: "DOM, no Node types",
    lib: ["ES2022", "DOM"],
    types: [],
    packages: [...PLATFORM_FREE, "web-storage"],
  },
  {
    name: "Node types, no DOM",
    lib: ["ES2022"],
    types: ["node"],
    packages: [...PLATFORM_FREE, "node-storage"],
  },
  // The declarations of flechette have a member without a type.
  {
    name: "arrow, cli, noImplicitAny: false",
    lib: ["ES2022"],
    types: ["node"],
    packages: ["arrow", "cli"],
    options: { noImplicitAny: false },
  },
];

/** A compiler, which checks the declarations of the packages too. */
function typescript(version: string): Target {
  return {
    name: `TypeScript ${version}`,
    tools: [`typescript@${version}`, "@types/node@20.19.43"],
    files: [],
    async run(project) {
      const results: Record<string, string> = {};
      for (const { name, lib, types, packages, options } of CASES) {
        const file = name.replaceAll(/\W+/g, "-");
        const names = packages.map((path, index) => `import * as p${index} from "@peekpack/${path}";`);
        await project.write(
          `${file}.ts`,
          `${names.join("\n")}\nexport const all: unknown[] = [${packages.map((_, index) => `p${index}`)}];\n`,
        );
        for (const [resolution, module] of [
          ["NodeNext", "NodeNext"],
          ["bundler", "ESNext"],
        ]) {
          await project.write(
            "tsconfig.json",
            JSON.stringify({
              compilerOptions: {
                target: "ES2022",
                strict: true,
                noEmit: true,
                skipLibCheck: false,
                exactOptionalPropertyTypes: true,
                moduleResolution: resolution,
                module,
                lib,
                types,
                ...options,
              },
              files: [`${file}.ts`],
            }),
          );
          results[`${resolution}: ${name}`] = await printedFailure(
            project.run("node", ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json"]),
          );
        }
      }
      return results satisfies Results;
    },
  };
}

/** Compilers. */
export const compilers: readonly Target[] = [typescript("5.9.3"), typescript("7.0.2")];
