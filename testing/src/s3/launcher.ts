import { randomBytes } from "node:crypto";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import type { Located } from "../programs/program.js";
import { type ServerDescription, type ServerRunner, waitUntilReady } from "../programs/server.js";
import { dockerAvailable, ServerContainer } from "../programs/server-container.js";
import { ServerProcess, type ServerProgram } from "../programs/server-process.js";
import { type S3Access, s3Client } from "./client.js";
import { locateMoto, locateRclone, locateRustfs, locateVersitygw } from "./locate.js";
import type { StandInBehavior } from "./stand-in/behavior.js";
import { startStandIn } from "./stand-in/server.js";

/** The servers that the launcher can start. */
export type S3ServerKind = "rustfs" | "versitygw" | "rclone" | "moto" | "stand-in";

export interface StartS3Options {
  /** Starts this server or throws. Default: the first available, in the order of {@link startS3}. */
  readonly require?: S3ServerKind | undefined;
  /** Whether versitygw or rclone may be built with Go, which takes minutes. Default true. */
  readonly build?: boolean | undefined;
  /** Deviations from S3, if the stand-in is started. Default: none. */
  readonly standIn?: StandInBehavior | undefined;
  /** Receives progress, one line per call. Never contains a credential. */
  readonly log?: ((line: string) => void) | undefined;
}

/** A running S3 server. */
export interface S3Server extends S3Access {
  readonly kind: S3ServerKind | "external";
  /** A sentence that says which server this is and why it was chosen. */
  readonly how: string;
  /** Stops the server and removes its data. Does nothing to an external server. */
  close(): Promise<void>;
  /** Kills the server, like a crash. Its data stays. */
  kill(): Promise<void>;
  /** Kills the server if it runs, and starts it again on the same port with its data. */
  restart(): Promise<void>;
}

/** The required server is not available; the message says why. */
export class S3ServerAbsent extends Error {
  constructor(message: string) {
    super(message);
    this.name = "S3ServerAbsent";
  }
}

const REGION = "us-east-1";

/** Pinned: earlier releases have bugs in multipart checksums and ListParts. RUSTFS_IMAGE overrides it. */
const RUSTFS_IMAGE = "rustfs/rustfs:1.0.1";
const PROBE_MS = 5_000;

type Identity = Omit<S3Access, "endpoint">;

const newIdentity = (): Identity => ({
  region: REGION,
  credentials: {
    accessKeyId: `peekpack${randomBytes(6).toString("hex")}`,
    secretAccessKey: randomBytes(20).toString("hex"),
  },
});

const localAccess = (identity: Identity, port: number): S3Access => ({
  ...identity,
  endpoint: `http://127.0.0.1:${port}`,
});

/** Sends one signed request. @throws Error if there is no response, or a refusal */
async function probeS3(access: S3Access): Promise<void> {
  const client = s3Client(access, { maxAttempts: 1 });
  try {
    await client.send(new ListBucketsCommand({}), { abortSignal: AbortSignal.timeout(PROBE_MS) });
  } finally {
    client.destroy();
  }
}

const describeServer = (name: string, identity: Identity): ServerDescription => ({
  name,
  probe: (port) => probeS3(localAccess(identity, port)),
  secrets: [identity.credentials.secretAccessKey, identity.credentials.accessKeyId],
});

type MakeProgram = (command: string, identity: Identity) => ServerProgram;

const rustfsEnv = ({ credentials }: Identity): Record<string, string> => ({
  RUSTFS_ACCESS_KEY: credentials.accessKeyId,
  RUSTFS_SECRET_KEY: credentials.secretAccessKey,
  RUSTFS_CONSOLE_ENABLE: "false",
});

const rustfsProgram: MakeProgram = (command, identity) => ({
  ...describeServer("rustfs", identity),
  command,
  args: (_port, directory) => [directory],
  env: (port) => ({ ...rustfsEnv(identity), RUSTFS_ADDRESS: `127.0.0.1:${port}` }),
});

const versitygwProgram: MakeProgram = (command, identity) => ({
  ...describeServer("versitygw", identity),
  command,
  args: (port, directory) => ["--port", `127.0.0.1:${port}`, "posix", directory],
  env: () => ({
    ROOT_ACCESS_KEY: identity.credentials.accessKeyId,
    ROOT_SECRET_KEY: identity.credentials.secretAccessKey,
  }),
});

const rcloneProgram: MakeProgram = (command, identity) => ({
  ...describeServer("rclone", identity),
  command,
  args: (port, directory) => [
    "serve",
    "s3",
    "--addr",
    `127.0.0.1:${port}`,
    "--config",
    "/dev/null",
    directory,
  ],
  env: () => ({
    // The value is a CSV list of pairs: quote the pair.
    RCLONE_AUTH_KEY: `"${identity.credentials.accessKeyId},${identity.credentials.secretAccessKey}"`,
  }),
});

/** Keeps its data in memory: a restart loses it. Verifies no signatures. */
const motoProgram: MakeProgram = (python, identity) => ({
  ...describeServer("moto", identity),
  command: python,
  args: (port) => ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)],
  env: () => ({ PYTHONUNBUFFERED: "1" }),
});

async function launch(
  kind: S3ServerKind,
  how: string,
  runner: ServerRunner,
  identity: Identity,
): Promise<S3Server> {
  try {
    await runner.start();
  } catch (error) {
    await runner.close();
    throw error;
  }
  return {
    ...localAccess(identity, runner.port),
    kind,
    how,
    close: () => runner.close(),
    kill: () => runner.kill(),
    restart: () => runner.start(),
  };
}

async function launchStandIn(how: string, behavior: StandInBehavior | undefined): Promise<S3Server> {
  const { endpoint, region, credentials, close, crash, restart } = await startStandIn({
    region: REGION,
    behavior,
  });
  return { kind: "stand-in", how, endpoint, region, credentials, close, kill: crash, restart };
}

async function useExternal(endpoint: string): Promise<S3Server> {
  const { env } = process;
  const accessKeyId = env.S3_ACCESS_KEY_ID ?? env.AWS_ACCESS_KEY_ID;
  const secretAccessKey = env.S3_SECRET_ACCESS_KEY ?? env.AWS_SECRET_ACCESS_KEY;
  const sessionToken = env.S3_SESSION_TOKEN ?? env.AWS_SESSION_TOKEN;
  if (!accessKeyId || !secretAccessKey)
    throw new Error(
      "S3_ENDPOINT is set, but neither S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY nor AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are",
    );
  const access: S3Access = {
    endpoint,
    region: env.S3_REGION ?? env.AWS_REGION ?? REGION,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
  };
  await waitUntilReady(
    "the server at S3_ENDPOINT",
    () => probeS3(access),
    { ended: () => undefined, log: () => "" },
    15_000,
  );
  const refuse = async (): Promise<never> => {
    throw new Error(
      "the server at S3_ENDPOINT was not started by the launcher: it cannot kill or restart it",
    );
  };
  return {
    ...access,
    kind: "external",
    how: "the server at S3_ENDPOINT, because that is set",
    close: async () => {},
    kill: refuse,
    restart: refuse,
  };
}

/** Tries to start rustfs, as a program or in Docker. @returns the server, or the reason why it is absent */
async function tryRustfs(log: (line: string) => void): Promise<S3Server | string> {
  const found = await locateRustfs();
  if (found.command !== undefined) return tryProgram("rustfs", found, rustfsProgram, log);
  if (!(await dockerAvailable())) return `${found.how}, and Docker is not running`;
  log("starting rustfs in Docker: the first start downloads its image");
  const identity = newIdentity();
  const container = await ServerContainer.create({
    ...describeServer("rustfs", identity),
    image: process.env.RUSTFS_IMAGE ?? RUSTFS_IMAGE,
    port: 9000,
    args: ["/data"],
    env: rustfsEnv(identity),
  });
  try {
    const how = `rustfs in Docker, because ${found.how}, and Docker is running`;
    return await launch("rustfs", how, container, identity);
  } catch (error) {
    return `${found.how}, and Docker cannot run it: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Tries to start a server's program. @returns the server, or the reason why it is absent */
async function tryProgram(
  kind: "rustfs" | "versitygw" | "rclone" | "moto",
  found: Located,
  program: MakeProgram,
  log: (line: string) => void,
): Promise<S3Server | string> {
  if (found.command === undefined) return found.how;
  log(`starting ${kind}: ${found.how}`);
  const identity = newIdentity();
  const process = await ServerProcess.create(program(found.command, identity));
  return launch(kind, `${kind}, because ${found.how}`, process, identity);
}

/**
 * Starts an S3 server. Without `require`, takes the first that is available of: the server at S3_ENDPOINT (with
 * S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or the AWS_ variables), rustfs (RUSTFS_BIN, PATH, Docker), versitygw
 * (VERSITYGW_BIN, PATH, built with Go), the stand-in in this process. rclone and moto are started only if required.
 * @throws S3ServerAbsent if the required server is not available
 * @throws Error with the server's last output if it does not start
 */
export async function startS3(options: StartS3Options = {}): Promise<S3Server> {
  const { require, build = true } = options;
  const log = options.log ?? (() => {});
  if (require === "stand-in") return launchStandIn("the stand-in, because it was required", options.standIn);
  const endpoint = process.env.S3_ENDPOINT;
  if (require === undefined && endpoint !== undefined && endpoint !== "") return useExternal(endpoint);
  const attempts = {
    rustfs: () => tryRustfs(log),
    versitygw: async () =>
      tryProgram("versitygw", await locateVersitygw({ build, log }), versitygwProgram, log),
    rclone: async () => tryProgram("rclone", await locateRclone({ build, log }), rcloneProgram, log),
    moto: async () => tryProgram("moto", await locateMoto(), motoProgram, log),
  };
  const reasons: string[] = [];
  for (const kind of require === undefined ? (["rustfs", "versitygw"] as const) : [require]) {
    const server = await attempts[kind]();
    if (typeof server !== "string") return server;
    reasons.push(server);
    log(server);
  }
  if (require !== undefined) throw new S3ServerAbsent(reasons.join("; "));
  return launchStandIn(
    `the stand-in in this process, because there is ${reasons.join("; ")}`,
    options.standIn,
  );
}
