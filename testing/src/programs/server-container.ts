import { execFile, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import {
  freePort,
  type ServerDescription,
  type ServerRunner,
  type Watched,
  waitUntilReady,
  withoutSecrets,
} from "./server.js";

const run = promisify(execFile);

const PULL_MS = 5 * 60 * 1000;
const READY_MS = 60_000;

/** How to run a server's image. */
export interface ServerImage extends ServerDescription {
  readonly image: string;
  /** The port on which the server listens in the container. */
  readonly port: number;
  /** Command and arguments, after the image. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Whether a Docker daemon responds within a few seconds. */
export async function dockerAvailable(): Promise<boolean> {
  try {
    await run("docker", ["info", "--format", "{{.ServerVersion}}"], { timeout: 4_000 });
    return true;
  } catch {
    return false;
  }
}

/** Runs a server in a container. Its data is lost with the container. */
export class ServerContainer implements ServerRunner, Watched {
  readonly port: number;
  readonly #image: ServerImage;
  readonly #name = `peekpack-${randomBytes(6).toString("hex")}`;
  #created = false;
  readonly #removeNow = (): void => {
    spawnSync("docker", ["rm", "--force", "--volumes", this.#name], { stdio: "ignore" });
  };

  private constructor(image: ServerImage, port: number) {
    this.#image = image;
    this.port = port;
  }

  /** Chooses a port. Starts nothing. */
  static async create(image: ServerImage): Promise<ServerContainer> {
    return new ServerContainer(image, await freePort());
  }

  async start(): Promise<void> {
    const { name, image, port, args, env = {}, probe } = this.#image;
    if (this.#created) {
      await run("docker", ["restart", "--time", "0", this.#name]);
    } else {
      process.on("exit", this.#removeNow);
      this.#created = true;
      // Passed by environment: any process can read a command line.
      await run(
        "docker",
        [
          ...["run", "--detach", "--name", this.#name, "--publish", `127.0.0.1:${this.port}:${port}`],
          ...Object.keys(env).flatMap((variable) => ["--env", variable]),
          ...[image, ...args],
        ],
        { timeout: PULL_MS, env: { ...process.env, ...env } },
      );
    }
    await waitUntilReady(`${name} in docker`, () => probe(this.port), this, READY_MS);
  }

  async kill(): Promise<void> {
    await run("docker", ["kill", "--signal", "KILL", this.#name]).catch(() => {});
  }

  async close(): Promise<void> {
    process.off("exit", this.#removeNow);
    await run("docker", ["rm", "--force", "--volumes", this.#name]).catch(() => {});
  }

  ended(): string | undefined {
    return undefined;
  }

  async log(): Promise<string> {
    const { stdout, stderr } = await run("docker", ["logs", "--tail", "40", this.#name]).catch(() => ({
      stdout: "",
      stderr: "(docker has no log)",
    }));
    return withoutSecrets(`${stdout}${stderr}`, this.#image.secrets);
  }
}
