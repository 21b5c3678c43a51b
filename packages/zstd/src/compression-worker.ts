/** Entry of the worker that compresses frames, in Node and in a browser. */
import { type CompressionRequest, type CompressionResponse, message } from "./compression-messages.js";
import { type Compressor, CompressorStartError, compressBatch, loadCompressor } from "./compressor.js";
import { nodeModule } from "./platform.js";

/** The end of a worker's channel: the worker itself in a browser, `parentPort` in Node. */
interface Port {
  postMessage(response: CompressionResponse, transfer: ArrayBuffer[]): void;
  onmessage: ((event: { readonly data: CompressionRequest }) => void) | null;
}

function serve(port: Port): void {
  let compressor: Promise<Compressor> | undefined;
  /** What the compressor is for. The next write may want something else. */
  let options: string | undefined;
  port.onmessage = async ({ data: { id, batch, level, checksum } }) => {
    try {
      const wanted = `${level} ${checksum}`;
      if (wanted !== options) compressor = loadCompressor(level, checksum);
      options = wanted;
      const compressed = compressBatch(await compressor!, batch);
      const { frames, content } = compressed;
      port.postMessage({ id, compressed }, [frames.buffer as ArrayBuffer, content.buffer as ArrayBuffer]);
    } catch (error) {
      const forbidden = error instanceof CompressorStartError && error.forbidden;
      port.postMessage({ id, error: message(error), forbidden }, []);
    }
  };
  // Says that the script is loaded.
  port.postMessage({ id: -1 }, []);
}

serve((nodeModule("node:worker_threads")?.parentPort ?? globalThis) as unknown as Port);
