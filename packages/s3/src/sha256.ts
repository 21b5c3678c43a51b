import { Sha256Js } from "@smithy/core/checksum";

/** WebCrypto takes longer than JavaScript for fewer bytes: Node hands them to another thread. */
const WEB_CRYPTO_MIN = 4096;

/** SHA-256 of bytes. Uses WebCrypto, which pages without TLS lack, for all but short input. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (subtle !== undefined && bytes.length >= WEB_CRYPTO_MIN) {
    return new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  }
  const hash = new Sha256Js();
  hash.update(bytes);
  return hash.digest();
}
