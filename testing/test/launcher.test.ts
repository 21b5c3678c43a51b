import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterEach, describe, expect, it, vi } from "vitest";
import { liveRequired } from "../src/live.js";
import { emptyBucket, freshBucket, s3Client } from "../src/s3/client.js";
import { S3ServerAbsent, type S3ServerKind, startS3 } from "../src/s3/launcher.js";
import { locateS3 } from "../src/s3/locate.js";
import { startStandIn } from "../src/s3/stand-in/server.js";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** An environment without any server. */
const findNothing = (): void => {
  for (const name of ["RUSTFS_BIN", "VERSITYGW_BIN", "S3_ENDPOINT"]) vi.stubEnv(name, "");
  for (const name of ["PATH", "PEEKPACK_CACHE"]) vi.stubEnv(name, "/nonexistent");
};

const kinds: readonly S3ServerKind[] = ["stand-in", "rustfs", "versitygw", "rclone"];

describe.each(kinds)("the launcher with %s", (kind) => {
  it("starts it, and restarts it after a kill on the same port with its data", async (context) => {
    if (kind !== "stand-in") {
      const { here, how } = await locateS3(kind);
      if (!here && (kind === "rclone" || !liveRequired())) context.skip(`${kind} is absent: ${how}`);
    }
    const lines: string[] = [];
    const server = await startS3({ require: kind, build: false, log: (line) => lines.push(line) });
    const client = s3Client(server);
    try {
      expect(server.kind).toBe(kind);
      const Bucket = await freshBucket(server);
      await client.send(new PutObjectCommand({ Bucket, Key: "kept", Body: "through the crash" }));
      const { endpoint } = server;
      await server.kill();
      await expect(fetch(endpoint)).rejects.toThrow();
      await server.restart();
      expect(server.endpoint).toBe(endpoint);
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: "kept" }));
      expect(await Body?.transformToString()).toBe("through the crash");
      await emptyBucket(server, Bucket);
      const gone = client.send(new GetObjectCommand({ Bucket, Key: "kept" }));
      await expect(gone).rejects.toMatchObject({ name: "NoSuchKey" });
    } finally {
      client.destroy();
      await server.close();
    }
    const said = [...lines, server.how].join("\n");
    expect(said).not.toContain(server.credentials.secretAccessKey);
    await expect(fetch(server.endpoint)).rejects.toThrow();
  });
});

describe("the launcher's choice", () => {
  it("prefers the server at S3_ENDPOINT, and leaves it running", async () => {
    const own = await startStandIn();
    vi.stubEnv("S3_ENDPOINT", own.endpoint);
    vi.stubEnv("S3_ACCESS_KEY_ID", own.credentials.accessKeyId);
    vi.stubEnv("S3_SECRET_ACCESS_KEY", own.credentials.secretAccessKey);
    const server = await startS3();
    expect([server.kind, server.endpoint]).toEqual(["external", own.endpoint]);
    await freshBucket(server);
    await expect(server.kill()).rejects.toThrow(/not started by the launcher/);
    await server.close();
    expect((await fetch(own.endpoint)).status).toBe(403);
    await own.close();
  });

  it("names missing variables", async () => {
    vi.stubEnv("S3_ENDPOINT", "http://127.0.0.1:9");
    for (const name of ["S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"]) vi.stubEnv(name, "");
    await expect(startS3()).rejects.toThrow(/S3_ACCESS_KEY_ID/);
  });

  it("falls back to the stand-in, and says why", async () => {
    findNothing();
    const server = await startS3();
    expect(server.kind).toBe("stand-in");
    expect(server.how).toMatch(/no rustfs.*Docker is not running.*no versitygw.*Go is not installed/);
    await server.close();
  });

  it("does not fall back if a server is required", async () => {
    findNothing();
    for (const require of ["rustfs", "versitygw"] as const)
      await expect(startS3({ require })).rejects.toThrow(S3ServerAbsent);
  });

  it("shows the last output of a server that ends before it is ready", async () => {
    const directory = await mkdtemp(join(tmpdir(), "peekpack-test-"));
    const command = join(directory, "rustfs");
    await writeFile(
      command,
      '#!/bin/sh\necho "the disk is made of cheese: $RUSTFS_SECRET_KEY" >&2\nexit 3\n',
    );
    await chmod(command, 0o755);
    vi.stubEnv("RUSTFS_BIN", command);
    const error: Error = await startS3({ require: "rustfs" }).then(
      () => new Error("it started"),
      (reason) => reason,
    );
    expect(error.message).toMatch(/exit code 3[\s\S]*made of cheese: \*\*\*/);
    await rm(directory, { recursive: true });
  });

  it("rejects a variable that names no executable", async () => {
    vi.stubEnv("RUSTFS_BIN", "/nonexistent/rustfs");
    await expect(startS3({ require: "rustfs" })).rejects.toThrow(/RUSTFS_BIN/);
  });
});

describe.skipIf(process.platform === "win32")("rustfs in Docker", () => {
  it("gets credentials only by environment, and is killed, restarted and removed", async () => {
    const directory = await mkdtemp(join(tmpdir(), "peekpack-test-"));
    const calls = join(directory, "calls");
    // A fake docker records its calls; the stand-in acts as the container.
    await writeFile(
      join(directory, "docker"),
      `#!/bin/sh\necho "$@" >> ${calls}\n[ "$1" = run ] && echo "secret $RUSTFS_ACCESS_KEY $RUSTFS_SECRET_KEY" >> ${calls}\ntrue\n`,
    );
    await chmod(join(directory, "docker"), 0o755);
    findNothing();
    vi.stubEnv("PATH", directory);
    const starting = startS3({ require: "rustfs" });
    const run = await vi.waitFor(
      async () => {
        const text = await readFile(calls, "utf8");
        const [, port] = /--publish 127\.0\.0\.1:(\d+):9000/.exec(text) ?? [];
        const [, accessKeyId, secretAccessKey] = /^secret (\S+) (\S+)$/m.exec(text) ?? [];
        if (!port || !accessKeyId || !secretAccessKey) throw new Error("docker was not called yet");
        return { port: Number(port), credentials: { accessKeyId, secretAccessKey } };
      },
      { timeout: 10_000 },
    );
    const container = await startStandIn(run);
    const server = await starting;
    expect(server.how).toMatch(/in Docker/);
    expect(server.credentials).toEqual(run.credentials);
    await server.kill();
    await server.restart();
    await server.close();
    await container.close();
    const lines = (await readFile(calls, "utf8")).trim().split("\n");
    const commands = lines.filter((line) => !line.startsWith("secret "));
    expect(commands.map((line) => line.split(" ")[0])).toEqual(["info", "run", "kill", "restart", "rm"]);
    expect(commands.join("\n")).not.toContain(run.credentials.secretAccessKey);
    await rm(directory, { recursive: true });
  });
});

describe("a server whose parent dies", () => {
  it.skipIf(process.platform === "win32")("is killed, and its directory removed", async () => {
    const directory = await mkdtemp(join(tmpdir(), "peekpack-test-"));
    const started = join(directory, "started");
    const command = join(directory, "rustfs");
    // The second is for the launcher, which must have written the process id down.
    await writeFile(
      command,
      `#!/bin/sh\nsleep 1\necho "$$ $1" > ${started}.new\nmv ${started}.new ${started}\nsleep 600\n`,
    );
    await chmod(command, 0o755);
    const launcher = fileURLToPath(new URL("../src/s3/launcher.ts", import.meta.url));
    const script = `
      import { runnerImport } from "vite";
      const { module } = await runnerImport(${JSON.stringify(launcher)}, { configFile: false, logLevel: "error" });
      await module.startS3({ require: "rustfs" });
    `;
    const parent = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, RUSTFS_BIN: command },
      cwd: fileURLToPath(new URL("..", import.meta.url)),
    });
    const [pid = "", data = ""] = (await vi.waitFor(() => readFile(started, "utf8"), 20_000))
      .trim()
      .split(" ");
    expect((await stat(data)).isDirectory()).toBe(true);
    parent.kill("SIGKILL");
    await once(parent, "exit");
    await vi.waitFor(() => expect(() => process.kill(Number(pid), 0)).toThrow(), 10_000);
    await vi.waitFor(() => expect(stat(data)).rejects.toThrow(), 10_000);
    await rm(directory, { recursive: true });
  });
});
