import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { s3Store } from "@peekpack/s3";
import type { S3Access } from "@peekpack/testing";
import { build, type Connect, type Plugin, preview } from "vite";

/** The page under test, built like an application, and its server, which presigns requests to S3. */
export interface Site {
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * Builds the page and serves it on 127.0.0.1. Its policy allows only its own scripts, no eval, and connections only to itself
 * and to S3.
 */
export async function serveSite(access: S3Access): Promise<Site> {
  const root = fileURLToPath(new URL("page", import.meta.url));
  const outDir = await mkdtemp(join(tmpdir(), "peekpack-page-"));
  await build({
    root,
    configFile: false,
    logLevel: "warn",
    worker: { format: "es" },
    build: { outDir, emptyOutDir: true, target: "es2022" },
  });
  // A service worker has no dynamic import: it is one classic script.
  await build({
    root,
    configFile: false,
    logLevel: "error",
    build: {
      outDir,
      emptyOutDir: false,
      target: "es2022",
      lib: { entry: "sw.ts", formats: ["iife"], name: "sw", fileName: () => "sw.js" },
    },
  });
  const server = await preview({
    root,
    configFile: false,
    logLevel: "warn",
    build: { outDir },
    plugins: [presigns(access)],
    preview: {
      host: "127.0.0.1",
      headers: {
        "content-security-policy": [
          "default-src 'none'",
          "script-src 'self'",
          "worker-src 'self'",
          `connect-src 'self' ${new URL(access.endpoint).origin}`,
        ].join("; "),
      },
    },
  });
  const { origin } = new URL(server.resolvedUrls!.local[0]!);
  return {
    origin,
    async close() {
      await server.close();
      await rm(outDir, { recursive: true });
    },
  };
}

/** Presigns requests for the page. */
function presigns(access: S3Access): Plugin {
  const store = s3Store(access);
  const handler: Connect.NextHandleFunction = async (request, response, next) => {
    if (request.url !== "/presign" || request.method !== "POST") return next();
    try {
      const { path, method, query, headers } = JSON.parse(await text(request));
      response.end(await store.presign(path, { method, query, headers, expiresIn: 600 }));
    } catch (error) {
      next(error);
    }
  };
  return {
    name: "presigns",
    configurePreviewServer: (server) => void server.middlewares.use(handler),
  };
}
