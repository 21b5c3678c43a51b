import { array, date, type InferOutput, number, object, string } from "valibot";

/** What the archive has at `about`. */
export const About = object({
  title: string(),
  start: date(),
  hours: number(),
  stations: number(),
  columns: array(object({ name: string(), label: string(), unit: string() })),
});
export type About = InferOutput<typeof About>;

/** One record of the list `stations`. Temperatures in °C, elevation in meters. */
export const Station = object({
  id: string(),
  kind: string(),
  elevation: number(),
  latitude: number(),
  longitude: number(),
  mean: number(),
  coldest: number(),
  warmest: number(),
});
export type Station = InferOutput<typeof Station>;
