/** A query as it is evaluated: the syntax tree of RFC 9535, without what only a parser needs. */

/** A query: from the root (`$`), or from the node that a filter tests (`@`). */
export interface Query {
  readonly absolute: boolean;
  readonly segments: readonly Segment[];
}

/** One segment: of the children of a node, or of the node and everything below it. */
export interface Segment {
  readonly descendant: boolean;
  readonly selectors: readonly Selector[];
}

export type Selector =
  | NameSelector
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "slice"; readonly start?: number; readonly stop?: number; readonly step?: number }
  | { readonly kind: "wildcard" }
  | { readonly kind: "filter"; readonly filter: Filter };

export interface NameSelector {
  readonly kind: "name";
  readonly name: string;
  /** The name in UTF-8. Undefined if it has none: then no key is the same. */
  readonly utf8: Uint8Array | undefined;
}

/** A selector that selects at most one child. */
export type SingularSelector = Extract<Selector, { kind: "name" | "index" }>;

/** What a filter selector tests. */
export interface Filter {
  readonly test: Test;
  /** Whether the test looks into the node, or compares it: then its value is read before. */
  readonly readsNode: boolean;
  /** Whether the test compares values below the node. */
  readonly readsMembers: boolean;
  /** Whether the test follows nothing but names from the node: then the node need not be decoded. */
  readonly followsNames: boolean;
}

/** What is true or false of a node. */
export type Test =
  | { readonly kind: "and" | "or"; readonly tests: readonly Test[] }
  | { readonly kind: "not"; readonly test: Test }
  | { readonly kind: "exists"; readonly query: Query }
  | { readonly kind: "compare"; readonly operator: Operator; readonly left: Operand; readonly right: Operand }
  | { readonly kind: "match" | "search"; readonly text: Operand; readonly pattern: Operand };

export type Operator = "==" | "!=" | "<" | "<=" | ">" | ">=";

/** What gives a value, or nothing. */
export type Operand =
  | { readonly kind: "literal"; readonly value: null | boolean | number | string }
  /** The value of the only node of a query, or nothing. */
  | { readonly kind: "value"; readonly query: Query }
  | { readonly kind: "count"; readonly query: Query }
  | { readonly kind: "length"; readonly of: Operand };
