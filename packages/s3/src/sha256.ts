import type { Sha256Js } from "@smithy/core/checksum";

/** The library's own SHA-256, in JavaScript. */
type Own = typeof Sha256Js;

/** So many bytes are hashed sooner here than handed to the platform, which in Node does it in another thread. */
const LITTLE = 4096;

/**
 * SHA-256 and its HMAC by the platform, in the shape that the signer asks for. Where the platform has none, as in pages that
 * are not secure contexts, the library's own is loaded.
 */
export class Sha256 {
  /** What hashes a little text, if not the platform. */
  protected readonly own: Own | undefined = undefined;
  readonly #secret: Uint8Array | undefined;
  #data: Uint8Array = new Uint8Array(0);

  /** With a secret, an HMAC. */
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret === undefined ? undefined : bytesOf(secret);
  }

  /** Takes more data; what is taken at once is not copied, and must not change. */
  update(data: Uint8Array): void {
    const before = this.#data;
    this.#data = data;
    if (before.length === 0) return;
    this.#data = new Uint8Array(before.length + data.length);
    this.#data.set(before);
    this.#data.set(data, before.length);
  }

  async digest(): Promise<Uint8Array> {
    const secret = this.#secret as Uint8Array<ArrayBuffer> | undefined;
    const data = this.#data as Uint8Array<ArrayBuffer>;
    const { subtle } = globalThis.crypto ?? {};
    if (!subtle || (this.own && data.length < LITTLE)) {
      const sum = new (this.own ?? (await import("@smithy/core/checksum")).Sha256Js)(secret);
      sum.update(data);
      return sum.digest();
    }
    if (!secret) return new Uint8Array(await subtle.digest("SHA-256", data));
    const key = await subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return new Uint8Array(await subtle.sign("HMAC", key, data));
  }

  reset(): void {
    this.#data = new Uint8Array(0);
  }
}

/** The same, with the library's own SHA-256 for a little text. */
export function sha256With(own: Own): typeof Sha256 {
  return class extends Sha256 {
    protected override readonly own = own;
  };
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === "string") return new TextEncoder().encode(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
