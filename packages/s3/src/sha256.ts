/**
 * SHA-256 and its HMAC by the platform, in the shape that the signer asks for. Where the platform has none, as in pages that
 * are not secure contexts, the library's own is loaded.
 */
export class Sha256 {
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
    if (!subtle) {
      const { Sha256Js } = await import("@smithy/core/checksum");
      const sum = new Sha256Js(secret);
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

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === "string") return new TextEncoder().encode(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
