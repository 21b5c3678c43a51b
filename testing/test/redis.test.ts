import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { liveRequired } from "../src/live.js";
import { RedisAbsent, startRedis } from "../src/redis/launcher.js";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Sends commands, and returns all replies. */
async function send(url: string, ...commands: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.write([...commands, "QUIT"].map((command) => `${command}\r\n`).join(""));
  return text(socket);
}

describe("the Redis launcher", () => {
  it("restarts the server on the same port with everything that was written", async (context) => {
    vi.stubEnv("REDIS_URL", "");
    const server = await startRedis().catch((error) => {
      if (!(error instanceof RedisAbsent) || liveRequired()) throw error;
      return context.skip(error.message);
    });
    try {
      expect(await send(server.url, "SET shard 17")).toBe("+OK\r\n+OK\r\n");
      await server.restart();
      expect(await send(server.url, "GET shard")).toBe("$2\r\n17\r\n+OK\r\n");
    } finally {
      await server.close();
    }
    await expect(send(server.url, "PING")).rejects.toThrow(/ECONNREFUSED/);
  });

  it("prefers the server at REDIS_URL, leaves it running, and does not show its password", async () => {
    vi.stubEnv("REDIS_URL", "redis://:secret@example.org:6379");
    const server = await startRedis();
    expect(server.url).toBe("redis://:secret@example.org:6379");
    expect(server.how).not.toContain("secret");
    await server.close();
    await expect(server.restart()).rejects.toThrow(/not started by the launcher/);
  });

  it("says what is absent", async () => {
    vi.stubEnv("REDIS_URL", "");
    vi.stubEnv("PATH", "/nonexistent");
    await expect(startRedis()).rejects.toThrow(/REDIS_URL is not set.*PATH.*Docker is not running/);
  });
});
