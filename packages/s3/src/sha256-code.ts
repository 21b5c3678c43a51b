/** SHA-256 and HMAC in JavaScript, for pages without WebCrypto. */
export { hmac } from "@noble/hashes/hmac.js";
export { sha256 } from "@noble/hashes/sha2.js";
