import { execFile, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { S3Access } from "./client.js";
import { freePort } from "./process-runner.js";
import { type Runner, type Watched, waitUntilReady } from "./runner.js";

const run = promisify(execFile);

/** Pinned: earlier releases have bugs in multipart checksums and ListParts. RUSTFS_IMAGE overrides it. */
const IMAGE = "rustfs/rustfs:1.0.1";
const PULL_MS = 5 * 60 * 1000;
const READY_MS = 60_000;

/** Runs rustfs in a container. Its data is lost with the container. */
export class DockerRunner implements Runner, Watched {
  readonly access: S3Access;
  readonly #port: number;
  readonly #name = `peekpack-${randomBytes(6).toString("hex")}`;
  #created = false;
  readonly #removeNow = (): void => {
    spawnSync("docker", ["rm", "--force", "--volumes", this.#name], { stdio: "ignore" });
  };

  private constructor(access: S3Access, port: number) {
    this.access = access;
    this.#port = port;
  }

  static async create(access: Omit<S3Access, "endpoint">): Promise<DockerRunner> {
    const port = await freePort();
    return new DockerRunner({ ...access, endpoint: `http://127.0.0.1:${port}` }, port);
  }

  async start(): Promise<void> {
    if (this.#created) {
      await run("docker", ["restart", "--time", "0", this.#name]);
    } else {
      process.on("exit", this.#removeNow);
      this.#created = true;
      const { accessKeyId, secretAccessKey } = this.access.credentials;
      const settings = ["RUSTFS_ACCESS_KEY", "RUSTFS_SECRET_KEY", "RUSTFS_CONSOLE_ENABLE"];
      // Passed by environment: any process can read a command line.
      await run(
        "docker",
        [
          ...["run", "--detach", "--name", this.#name, "--publish", `127.0.0.1:${this.#port}:9000`],
          ...settings.flatMap((name) => ["--env", name]),
          ...[process.env.RUSTFS_IMAGE ?? IMAGE, "/data"],
        ],
        {
          timeout: PULL_MS,
          env: {
            ...process.env,
            RUSTFS_ACCESS_KEY: accessKeyId,
            RUSTFS_SECRET_KEY: secretAccessKey,
            RUSTFS_CONSOLE_ENABLE: "false",
          },
        },
      );
    }
    await waitUntilReady("rustfs in docker", this.access, this, READY_MS);
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
    const { accessKeyId, secretAccessKey } = this.access.credentials;
    return `${stdout}${stderr}`.replaceAll(secretAccessKey, "***").replaceAll(accessKeyId, "***");
  }
}
