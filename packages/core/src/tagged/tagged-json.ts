/**
 * A value in the tagged notation: what `JSON.parse` returns. JSON has no form for some values. Each of them is an object
 * with one key that begins with "$":
 *
 *     { "$int": "9007199254740993" }    an integer beyond ±(2^53 − 1)
 *     { "$float": "0.1" }               a float as Python prints it: also 1.0, 1e+300, -0.0, nan, inf, -inf
 *     { "$bytes": "00ff" }              bytes in hexadecimal digits
 *     { "$map": [[key, value], …] }     every map, in order; keys are values too
 *     { "$set": […] }                   a set; it is written as a sorted list
 *     { "$tuple": […] }                 a list
 *     { "$repeat": [value, n] }         a list of n times the same value
 *     { "$timestamp": [seconds, nanoseconds] }
 *     { "$ext": [type, "hex"] }  { "$tag": [number, value] }  { "$simple": n }  { "$undefined": true }
 *     { "$ndarray": { "dtype": …, "shape": […], "data": […] } }
 */
export type TaggedJson = null | boolean | number | string | TaggedJson[] | { [tag: string]: TaggedJson };
