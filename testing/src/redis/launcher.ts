import { once } from "node:events";
import { connect } from "node:net";
import { findOnPath } from "../programs/program.js";
import type { ServerDescription, ServerRunner } from "../programs/server.js";
import { dockerAvailable, ServerContainer } from "../programs/server-container.js";
import { ServerProcess } from "../programs/server-process.js";

/** A running Valkey or Redis. */
export interface RedisServer {
  /** May contain a password: do not print it. */
  readonly url: string;
  /** A sentence that says which server this is and why it was chosen. */
  readonly how: string;
  /** Stops the server and removes its data. Does nothing to an external server. */
  close(): Promise<void>;
  /** Kills the server if it runs, and starts it again on the same port with its data. */
  restart(): Promise<void>;
}

/** Valkey and Redis are not available; the message says why. */
export class RedisAbsent extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RedisAbsent";
  }
}

const IMAGE = "valkey/valkey:8.1-alpine";
const PORT = 6379;
const PROBE_MS = 2_000;

/**
 * Every write is in the append-only file, so that a killed server has lost none when it is back. Queues need `noeviction`: an evicted
 * job is a lost one.
 */
const SETTINGS = ["--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"];

const description: ServerDescription = {
  name: "redis",
  secrets: [],
  async probe(port) {
    const socket = connect(port, "127.0.0.1").setTimeout(PROBE_MS, () => socket.destroy());
    try {
      await once(socket, "connect");
      socket.write("PING\r\n");
      const [reply] = await once(socket, "data");
      // While it reads its file, it replies -LOADING.
      if (!String(reply).startsWith("+PONG")) throw new Error(String(reply).trim());
    } finally {
      socket.destroy();
    }
  },
};

async function launch(runner: ServerRunner, how: string): Promise<RedisServer> {
  try {
    await runner.start();
  } catch (error) {
    await runner.close();
    throw error;
  }
  return {
    url: `redis://127.0.0.1:${runner.port}`,
    how,
    close: () => runner.close(),
    restart: () => runner.start(),
  };
}

const PROGRAMS = ["valkey-server", "redis-server"];

type LocatedRedis = { readonly how: string } & (
  | { readonly url: string; readonly command?: undefined; readonly absent?: undefined }
  | { readonly command: string; readonly absent?: undefined; readonly url?: undefined }
  | { readonly absent: string; readonly command?: undefined; readonly url?: undefined }
  // Docker.
  | { readonly absent?: undefined; readonly command?: undefined; readonly url?: undefined }
);

/** Finds what {@link startRedis} would use. `absent` says why there is nothing. */
export async function locateRedis(): Promise<LocatedRedis> {
  const url = process.env.REDIS_URL;
  if (url !== undefined && url !== "") {
    return { url, how: "the server at REDIS_URL, because that is set" };
  }
  for (const name of PROGRAMS) {
    const command = await findOnPath(name);
    if (command !== undefined) return { command, how: `${name}, because it is on PATH` };
  }
  const why = `REDIS_URL is not set, and neither ${PROGRAMS.join(" nor ")} is on PATH`;
  if (await dockerAvailable()) return { how: `Valkey in Docker, because ${why}, and Docker is running` };
  const absent = `${why}, and Docker is not running`;
  return { absent, how: absent };
}

/**
 * Starts a Valkey or Redis that keeps its data over a restart. Takes the first that is available of: the server at REDIS_URL,
 * valkey-server or redis-server on PATH, Valkey in Docker.
 * @throws RedisAbsent if there is none
 * @throws Error with the server's last output if it does not start
 */
export async function startRedis(
  options: { readonly log?: ((line: string) => void) | undefined } = {},
): Promise<RedisServer> {
  const { how, url, command, absent } = await locateRedis();
  if (absent !== undefined) throw new RedisAbsent(absent);
  options.log?.(how);
  if (url !== undefined) {
    return {
      url,
      how,
      close: async () => {},
      restart: async () => {
        throw new Error("the server at REDIS_URL was not started by the launcher: it cannot restart it");
      },
    };
  }
  if (command !== undefined) {
    const args = (port: number, directory: string): readonly string[] => [
      ...["--port", String(port), "--bind", "127.0.0.1", "--dir", directory],
      ...SETTINGS,
    ];
    return launch(await ServerProcess.create({ ...description, command, args }), how);
  }
  const args = ["valkey-server", ...SETTINGS];
  return launch(await ServerContainer.create({ ...description, image: IMAGE, port: PORT, args }), how);
}
