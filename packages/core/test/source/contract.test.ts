import { rangeSourceContract } from "@peekpack/testing/contracts/range-source";
import {
  blobSource,
  bytesSource,
  type HttpSourceOptions,
  httpSource,
  type RangeSource,
  readEngine,
  requestLimiter,
  withEvents,
  withLimiter,
  withRetry,
  withScheduler,
} from "../../src/index.js";
import { objectServer } from "./object-server.js";

rangeSourceContract("bytes", (bytes) => ({ source: bytesSource(bytes) }));
rangeSourceContract("an ArrayBuffer", (bytes) => ({ source: bytesSource(bytes.slice().buffer) }));
rangeSourceContract("a Buffer", (bytes) => ({ source: bytesSource(Buffer.from(bytes)) }));
rangeSourceContract("Blob", (bytes) => ({ source: blobSource(new Blob([bytes as BlobPart])) }));
rangeSourceContract("bytes with a scheduler", (bytes) => ({ source: withScheduler(bytesSource(bytes)) }));
rangeSourceContract("bytes with the read engine", (bytes) => ({ source: readEngine(bytesSource(bytes)) }));

const overHttp = (
  name: string,
  wrap: (source: RangeSource) => RangeSource = (source) => source,
  options: HttpSourceOptions = {},
): void =>
  rangeSourceContract(
    name,
    async (bytes) => {
      const server = await objectServer(bytes);
      return {
        source: wrap(httpSource(server.url, options)),
        async replace(other: Uint8Array) {
          server.bytes = other;
        },
        dispose: () => server.close(),
      };
    },
    { versioned: true },
  );

overHttp("HTTP");
overHttp("HTTP, no suffix, no If-Match", undefined, { suffixRanges: false, ifMatch: false });
overHttp("HTTP with events", (source) => withEvents(source));
overHttp("HTTP with a limiter", (source) => withLimiter(source, requestLimiter(3)));
overHttp("HTTP with retries", (source) => withRetry(source));
overHttp("HTTP with a scheduler", (source) => withScheduler(source));
overHttp("HTTP with a scheduler without a cache", (source) =>
  withScheduler(source, { cacheBytes: 0, tableBytes: 0 }),
);
overHttp("HTTP with a scheduler of tiny requests", (source) =>
  withScheduler(source, { gap: 0, maxRequestBytes: 700, cacheBytes: 20_000 }),
);
overHttp("HTTP with the read engine", (source) => readEngine(source));
