/** A process that writes pieces of one object to a cache, which other processes write to as well. */
import { persistentCache } from "../src/index.js";

const { directory, maxBytes, salt } = JSON.parse(process.argv[2]!);
const cache = persistentCache({ directory, maxBytes });
const object = { label: "https://example.org/a", version: '"1"', size: 10 * 2 ** 20 };
for (let i = 0; i < 60; i++) {
  const start = ((i * 7 + salt * 13) % 60) * 10_000;
  await cache.write(object, { start, bytes: new Uint8Array(10_000).fill(start / 10_000) });
}
