import { statisticsOf } from "./statistics.js";

/** Summarises the numbers that it receives. */
addEventListener("message", ({ data }: MessageEvent<Float64Array>) => postMessage(statisticsOf(data)));
