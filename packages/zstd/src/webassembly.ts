/** The shortest module: its magic and its version. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Whether WebAssembly may not be compiled here: a page's policy or the runtime forbids it. */
export async function isWebAssemblyForbidden(): Promise<boolean> {
  try {
    await WebAssembly.instantiate(EMPTY_MODULE);
    return false;
  } catch {
    return true;
  }
}
