import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createReadStream } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { isPeekpackError } from "@peekpack/core";
import type { PageFile, ServedArchive } from "./explorer-page.js";

/** A server of the explorer on 127.0.0.1. */
export interface ExplorerServer {
  /** Opens the explorer, with the archive if there is one. It is all that is needed to read the archive. */
  readonly url: string;
  close(): Promise<void>;
}

/** Bytes of the archive that are read and sent at a time. */
const CHUNK = 1024 * 1024;

const COMMON_HEADERS = {
  "Cache-Control": "no-store",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
};

/**
 * Serves the explorer and archives to this machine. `archive` is opened with the page. Every URL begins with a random token,
 * which a page of another origin cannot know. The Host header must be the server's own: the name of a foreign page that
 * resolves to 127.0.0.1 is refused.
 */
export async function serveExplorer(
  files: ReadonlyMap<string, PageFile>,
  archive: ServedArchive | undefined,
  samples: readonly ServedArchive[],
  { port = 0, signal }: { readonly port?: number | undefined; readonly signal?: AbortSignal | undefined },
): Promise<ExplorerServer> {
  const objects = new Map<string, ServedObject>();
  for (const served of archive === undefined ? samples : [archive, ...samples]) {
    objects.set(served.path, await objectOf(served, signal));
  }
  const token = randomBytes(16).toString("base64url");
  const server = createServer((request, response) => {
    const { port: own } = server.address() as AddressInfo;
    handle(request, response, {
      token,
      files,
      objects,
      hosts: [`127.0.0.1:${own}`, `localhost:${own}`],
    }).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${token}/`;
  return {
    url: archive === undefined ? base : `${base}#url=${encodeURIComponent(base + archive.path)}`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface ServedObject extends ServedArchive {
  /** Bytes from the start of the archive to the end of the source. */
  readonly size: number;
  readonly etag: string;
}

async function objectOf(archive: ServedArchive, signal: AbortSignal | undefined): Promise<ServedObject> {
  const { size, version } = await archive.source.probe({ head: 0, tail: 0 }, { signal });
  return {
    ...archive,
    size: Math.max(0, size - archive.offset),
    etag: `"${createHash("sha256").update(`${version} ${size}`).digest("hex").slice(0, 32)}"`,
  };
}

interface Site {
  readonly token: string;
  readonly files: ReadonlyMap<string, PageFile>;
  /** By their paths below the page's URL. */
  readonly objects: ReadonlyMap<string, ServedObject>;
  readonly hosts: readonly string[];
}

async function handle(request: IncomingMessage, response: ServerResponse, site: Site): Promise<void> {
  const { method, headers, url = "" } = request;
  const [, token = "", path = ""] = /^\/([^/?]*)\/([^?]*)/.exec(url) ?? [];
  if (!site.hosts.includes(headers.host ?? "") || !isSame(token, site.token)) return refuse(response, 403);
  if (method !== "GET" && method !== "HEAD") return refuse(response, 405);
  const object = site.objects.get(path);
  if (object !== undefined) return sendArchive(request, response, object);
  const file = site.files.get(path);
  if (file === undefined) return refuse(response, 404);
  response.writeHead(200, { ...COMMON_HEADERS, "Content-Type": file.type });
  if (method === "HEAD") response.end();
  else await pipeline(createReadStream(file.path), response);
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [given, wanted].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(a!, b!);
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { ...COMMON_HEADERS, "Content-Length": 0 }).end();
}

/** Sends the archive, or one range of it. */
async function sendArchive(
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  { source, offset, size, etag }: ServedObject,
): Promise<void> {
  const match = headers["if-match"];
  if (match !== undefined && match !== etag && match !== "*") return refuse(response, 412);
  const isRange = headers.range !== undefined && (headers["if-range"] ?? etag) === etag;
  const range = isRange ? parseRange(headers.range!, size) : { start: 0, end: size };
  const common = { ...COMMON_HEADERS, ETag: etag, "Accept-Ranges": "bytes" };
  if (range === undefined) {
    response.writeHead(416, { ...common, "Content-Range": `bytes */${size}`, "Content-Length": 0 }).end();
    return;
  }
  const { start, end } = range;
  const abort = new AbortController();
  response.on("close", () => abort.abort());
  const { signal } = abort;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = start; at < end; at += CHUNK) {
      const wanted = { start: offset + at, end: offset + Math.min(end, at + CHUNK) };
      yield (await source.read([wanted], { signal }))[0]!;
    }
  }
  const body = chunks();
  // The first bytes tell whether the archive can still be read.
  let first: IteratorResult<Uint8Array, void>;
  try {
    first = method === "HEAD" ? { done: true, value: undefined } : await body.next();
  } catch (error) {
    return refuse(response, isPeekpackError(error) && error.code === "changed" ? 412 : 502);
  }
  response.writeHead(isRange ? 206 : 200, {
    ...common,
    "Content-Type": "application/octet-stream",
    "Content-Length": end - start,
    ...(isRange ? { "Content-Range": `bytes ${start}-${end - 1}/${size}` } : {}),
  });
  if (first.done === true) {
    response.end();
    return;
  }
  response.write(first.value);
  await pipeline(body, response);
}

/** One range of a Range header. Undefined if it is not satisfiable or there are several. */
function parseRange(
  text: string,
  size: number,
): { readonly start: number; readonly end: number } | undefined {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(text) ?? [];
  if (from === "" && to === "") return undefined;
  const start = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === "" || to === "" ? size : Math.min(Number(to) + 1, size);
  return start < end ? { start, end } : undefined;
}
