import type { Value } from "../values.js";
import type { LazyList, LazyMap } from "./handles.js";
import type { PathKey } from "./path.js";

/** Stands for an archive of which nothing is known at compile time: every path is right and gives a {@link Value}. */
export type Untyped = unknown;

/** What is not gone into: values that are objects and no containers. */
type Opaque = Uint8Array | Date | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>;

/** The type one segment below `T`; never where nothing of that name is. */
type Step<T, K> = T extends readonly (infer Item)[]
  ? K extends number | bigint | "*" | `${bigint}`
    ? Item
    : K extends `${string}:${string}`
      ? Item[]
      : never
  : T extends ReadonlyMap<unknown, infer Inner>
    ? Inner
    : T extends Opaque
      ? never
      : T extends object
        ? K extends "*"
          ? T[keyof T]
          : K extends keyof T
            ? T[K]
            : K extends `${infer N extends number}`
              ? N extends keyof T
                ? T[N]
                : never
              : never
        : never;

type AtText<T, P extends string> = P extends ""
  ? T
  : P extends `${infer Head}/${infer Rest}`
    ? AtText<Head extends "" ? T : Step<T, Head>, Rest>
    : Step<T, P>;

type AtKeys<T, P extends readonly unknown[]> = P extends readonly [infer Head, ...infer Rest]
  ? AtKeys<Step<T, Head>, Rest>
  : T;

/** Whether a path is known only when the program runs. */
type IsDynamic<P> = P extends string
  ? string extends P
    ? true
    : false
  : P extends readonly unknown[]
    ? number extends P["length"]
      ? true
      : false
    : false;

/**
 * The type of what lies at a path of a schema: `At<Schema, "entries/0/name">`. `Value` for an {@link Untyped} schema and for
 * paths that are known only at run time; `never` for a path that leads nowhere.
 */
export type At<S, P> = unknown extends S
  ? Value
  : P extends undefined
    ? S
    : IsDynamic<P> extends true
      ? Value
      : P extends string
        ? AtText<S, P>
        : P extends readonly unknown[]
          ? AtKeys<S, P>
          : never;

/** A path that leads somewhere in a schema; the compiler refuses others. */
export type PathIn<S, P> = unknown extends S ? P : [At<S, P>] extends [never] ? never : P;

/** What `get` gives for a type: a handle or the value, where it is a container. */
export type Lazily<T> = unknown extends T
  ? LazyMap | LazyList | Value
  : T extends readonly unknown[]
    ? LazyList | T
    : T extends Opaque
      ? T
      : T extends object
        ? LazyMap | T
        : T;

/** The keys of a type: names of a map, indices of a list. */
export type KeyOf<T> = unknown extends T
  ? Value
  : T extends Value[] | readonly unknown[]
    ? number
    : T extends ReadonlyMap<infer Key, unknown>
      ? Key
      : T extends object
        ? Extract<keyof T, string>
        : PathKey;

/** The values of a type one level down. */
export type InnerOf<T> = unknown extends T
  ? LazyMap | LazyList | Value
  : T extends readonly (infer Item)[]
    ? Lazily<Item>
    : T extends ReadonlyMap<unknown, infer Inner>
      ? Lazily<Inner>
      : T extends object
        ? Lazily<T[keyof T]>
        : never;
