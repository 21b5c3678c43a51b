import { GatheredNumbers } from "./gathered-numbers.js";
import { statisticsOf } from "./statistics.js";

/** Receives how many numbers follow, then the numbers in parts. Summarises them when all have arrived. */
addEventListener(
  "message",
  ({ data: count }: MessageEvent<number>) => {
    const gathered = new GatheredNumbers(count);
    addEventListener("message", ({ data: part }: MessageEvent<Float64Array>) => {
      if (gathered.add(part)) postMessage(statisticsOf(gathered.values));
    });
  },
  { once: true },
);
