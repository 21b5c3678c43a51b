import { S3Error } from "./s3-error.js";

const MAX_LINE_LENGTH = 8 << 10;

/**
 * Decodes aws-chunked framing: chunks of `hex-size CRLF bytes CRLF`, a chunk of size 0, trailer lines, an empty line. The
 * SDK sends a stream's checksum as a trailer.
 */
export class AwsChunkedDecoder {
  /** Trailer fields by lower-case name. */
  readonly trailers: Map<string, string> = new Map();
  /** Whether the end of the framing was read. */
  ended = false;
  #state: "size" | "data" | "data-end" | "trailer" = "size";
  #left = 0;
  #line = "";

  /**
   * Decodes the next bytes of the stream.
   * @returns views of their payload
   * @throws S3Error if the framing is broken
   */
  push(bytes: Buffer): Buffer[] {
    const out: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === "data") {
        const end = Math.min(bytes.length, at + this.#left);
        out.push(bytes.subarray(at, end));
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#state = "data-end";
        continue;
      }
      const newline = bytes.indexOf(10, at);
      const end = newline < 0 ? bytes.length : newline;
      this.#line += bytes.toString("latin1", at, end);
      if (this.#line.length > MAX_LINE_LENGTH) throw broken();
      at = end + 1;
      if (newline < 0) break;
      const line = this.#line.replace(/\r$/, "");
      this.#line = "";
      this.#endOfLine(line);
    }
    return out;
  }

  #endOfLine(line: string): void {
    if (this.ended) throw broken();
    if (this.#state === "data-end") {
      if (line !== "") throw broken();
      this.#state = "size";
    } else if (this.#state === "size") {
      const match = /^([0-9a-fA-F]{1,12})(;.*)?$/.exec(line);
      if (match === null) throw broken();
      this.#left = Number.parseInt(match[1] ?? "", 16);
      this.#state = this.#left === 0 ? "trailer" : "data";
    } else if (line === "") {
      this.ended = true;
    } else {
      const colon = line.indexOf(":");
      if (colon < 0) throw broken();
      this.trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
  }
}

const broken = (): S3Error =>
  new S3Error(400, "InvalidChunkSizeError", "The body's aws-chunked framing is broken");
