/** Where the built command takes its S3 credentials from. */
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { freshBucket, type S3Server, startS3 } from "@peekpack/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuiltCommand, builtCommand } from "./built-command.js";

let built: BuiltCommand;
let server: S3Server;
let object = "";
/** An environment without credentials. */
let env: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  built = await builtCommand();
  server = await startS3({ require: "stand-in" });
  object = `s3://${await freshBucket(server)}/a.msglc`;
  env = {
    HOME: built.folder,
    TMPDIR: built.folder,
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_REGION: server.region,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONFIG_FILE: join(built.folder, "config"),
    AWS_SHARED_CREDENTIALS_FILE: join(built.folder, "credentials"),
  };
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"]) {
    env[name] = undefined;
  }
  const { accessKeyId, secretAccessKey } = server.credentials;
  await writeFile(
    join(built.folder, "credentials"),
    `[work]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
  );
  const json = JSON.stringify({ Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey });
  await writeFile(join(built.folder, "process.json"), json);
  await writeFile(
    join(built.folder, "config"),
    [
      `[profile tool]\ncredential_process = cat ${join(built.folder, "process.json")}`,
      `[profile broken]\ncredential_process = sh -c "echo secret-of-the-tool >&2; exit 1"`,
      "[profile expired]\nsso_session = company\nsso_account_id = 1\nsso_role_name = reader",
      "[sso-session company]\nsso_region = us-east-1\nsso_start_url = https://example.org/start\n",
    ].join("\n"),
  );
  await built.output(["write", "-", object], { input: "1", env: { ...env, AWS_PROFILE: "work" } });
});
afterAll(async () => {
  await server.close();
  await built.remove();
});

describe("credentials for s3://", () => {
  it("come from a profile of the shared files, or of a credential_process", async () => {
    for (const profile of ["work", "tool"]) {
      expect(await built.output(["cat", object], { env: { ...env, AWS_PROFILE: profile } })).toBe("1\n");
    }
  });

  it("come from a container's role", async () => {
    const { accessKeyId, secretAccessKey } = server.credentials;
    const Expiration = new Date(Date.now() + 3_600_000).toISOString();
    const role = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: "token", Expiration };
    const service = createServer((_, response) => void response.end(JSON.stringify(role)));
    await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
    try {
      const uri = `http://127.0.0.1:${(service.address() as AddressInfo).port}/role`;
      const container = { ...env, AWS_CONTAINER_CREDENTIALS_FULL_URI: uri };
      expect(await built.output(["cat", object], { env: container })).toBe("1\n");
    } finally {
      service.closeAllConnections();
      service.close();
    }
  });

  it("come from the environment before all else", async () => {
    const { accessKeyId, secretAccessKey } = server.credentials;
    const both = {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_PROFILE: "absent",
    };
    expect(await built.output(["cat", object], { env: { ...env, ...both } })).toBe("1\n");
  });

  it("are required: without any, the message says where they may come from", async () => {
    for (const argv of [
      ["cat", object],
      ["write", "-", object],
    ]) {
      const { status, stderr } = await built.run(argv, { input: "2", env });
      expect(status).toBe(1);
      expect(stderr).toMatch(/^peekpack: denied: [^\n]*there are no AWS credentials\.[^\n]*\n$/);
      for (const remedy of ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "--no-sign-request"])
        expect(stderr).toContain(remedy);
    }
  });

  it("that a profile cannot give are reported with its name and the reason, without a tool's output", async () => {
    const failing = async (profile: string): Promise<string> => {
      const { status, stderr } = await built.run(["cat", object], { env: { ...env, AWS_PROFILE: profile } });
      expect(status).toBe(1);
      expect(stderr).toMatch(/^peekpack: denied: [^\n]+\n$/);
      expect(stderr).toContain(`"${profile}"`);
      return stderr;
    };
    await failing("absent");
    expect(await failing("broken")).not.toContain("secret-of-the-tool");
    expect(await failing("expired")).toContain("aws sso login");
  });

  it("are not loaded and not sent with --no-sign-request", async () => {
    const { status, stderr } = await built.run(["cat", "--no-sign-request", object], {
      env: { ...env, AWS_PROFILE: "work" },
    });
    // The stand-in has no public buckets.
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^peekpack: denied: [^\n]+\n$/),
    });
    let authorization: string | undefined = "none";
    const open = createServer((request, response) => {
      authorization = request.headers.authorization;
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => open.listen(0, "127.0.0.1", resolve));
    try {
      const endpoint = `http://127.0.0.1:${(open.address() as AddressInfo).port}`;
      await built.run(["cat", "--no-sign-request", "--endpoint", endpoint, object], {
        env: { ...env, AWS_PROFILE: "work" },
      });
    } finally {
      open.closeAllConnections();
      open.close();
    }
    expect(authorization).toBeUndefined();
  });
});

describe("a wrong bucket", () => {
  it("is reported in one sentence that names it", async () => {
    const { status, stderr } = await built.run(["cat", "s3://no-such-bucket-here/a.msglc"], {
      env: { ...env, AWS_PROFILE: "work" },
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^peekpack: not-found: [^\n]*no-such-bucket-here[^\n]*Check the bucket[^\n]*\n$/);
    expect(stderr).not.toContain("Given up");
  });

  it("whose host does not exist is reported without retries", async () => {
    const { status, stderr } = await built.run(["cat", "--no-sign-request", "s3://bucket/a"], {
      env: { ...env, AWS_ENDPOINT_URL_S3: "http://nowhere.invalid" },
    });
    expect(status).toBe(1);
    // A resolver may also be out of order.
    expect(stderr).toMatch(/^peekpack: (not-found: [^\n]*there is no host nowhere\.invalid|network: )/);
  });
});
