import { loadFeature } from "@peekpack/core/internal";

/** SHA-256 of bytes. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  const subtle = webCrypto();
  if (subtle) return new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return hashInJavaScript(bytes);
}

/** Computes HMACs with SHA-256 of texts. */
export type Hmac = (text: string) => Promise<Uint8Array>;

/** Imports a key for HMACs. */
export async function hmacSha256(key: Uint8Array): Promise<Hmac> {
  const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
  const subtle = webCrypto();
  if (!subtle) return (text) => hashInJavaScript(encode(text), key);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const secret = await subtle.importKey("raw", key as Uint8Array<ArrayBuffer>, algorithm, false, ["sign"]);
  return async (text) => new Uint8Array(await subtle.sign("HMAC", secret, encode(text)));
}

/** Undefined in pages without TLS. */
function webCrypto(): SubtleCrypto | undefined {
  return globalThis.crypto?.subtle;
}

async function hashInJavaScript(bytes: Uint8Array, key?: Uint8Array): Promise<Uint8Array> {
  const { hmac, sha256 } = await loadFeature("SHA-256 without WebCrypto", () => import("./sha256-code.js"));
  return key === undefined ? sha256(bytes) : hmac(sha256, key, bytes);
}
