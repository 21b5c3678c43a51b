import { PeekpackError } from "@peekpack/core";
import { isUnicode } from "@peekpack/core/internal";
import {
  JSONPathEnvironment,
  JSONPathError,
  type JSONPathQuery,
  JSONPathSyntaxError,
  jsonpath,
  type Token,
} from "json-p3";
import type { Filter, Operand, Operator, Query, Segment, Selector, Test } from "./syntax.js";

const { selectors, expressions } = jsonpath;
type Expression = InstanceType<typeof expressions.FilterExpression>;

/** Longer queries are refused. */
const MAX_LENGTH = 100_000;
/** Deeper nesting of filters, groups and functions is refused. */
const MAX_DEPTH = 100;

/**
 * Parses a query and checks the types of its functions.
 * @throws PeekpackError `bad-path` if it is not a query of RFC 9535
 */
export function parse(text: string): Query {
  if (typeof text !== "string") throw new TypeError("A JSONPath query is a string.");
  if (text.length > MAX_LENGTH) throw refused(`it is longer than ${MAX_LENGTH} characters`);
  let parsed: JSONPathQuery;
  try {
    parsed = environment().compile(text);
  } catch (error) {
    // A RangeError is a stack that a query has filled.
    if (error instanceof RangeError) throw tooDeep();
    if (!(error instanceof JSONPathError)) throw error;
    throw refused(`${error.message}, at character ${error.token.index + 1}`);
  }
  return query(parsed, true, 0);
}

/** What a number is in RFC 9535, section 2.3.5.1. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** The library's parser. Version 2.3.1 refuses numbers such as 0.5, so that its method for numbers is replaced. */
function environment(): JSONPathEnvironment {
  const made = new JSONPathEnvironment();
  const { parser } = made as unknown as { readonly parser: NumberParser };
  parser.tokenMap.set(jsonpath.TokenKind.NUMBER, ({ current }) => {
    if (!NUMBER.test(current.value)) {
      throw new JSONPathSyntaxError(`invalid number ${current.value}`, current);
    }
    return new expressions.NumberLiteral(current, Number(current.value));
  });
  return made;
}

/** What is replaced of the library's parser. */
interface NumberParser {
  readonly tokenMap: Map<string, (stream: { readonly current: Token }) => Expression>;
}

function query(parsed: JSONPathQuery, absolute: boolean, depth: number): Query {
  if (depth > MAX_DEPTH) throw tooDeep();
  return { absolute, segments: parsed.segments.map((segment) => segmentOf(segment, depth)) };
}

function segmentOf(segment: JSONPathQuery["segments"][number], depth: number): Segment {
  return {
    // `jsonpath` does not export the classes of segments. A descendant segment is written with two dots.
    descendant: segment.token.kind === jsonpath.TokenKind.DDOT,
    selectors: segment.selectors.map((selector) => selectorOf(selector, depth)),
  };
}

function selectorOf(selector: unknown, depth: number): Selector {
  if (selector instanceof selectors.NameSelector) {
    const { name } = selector;
    return { kind: "name", name, utf8: isUnicode(name) ? new TextEncoder().encode(name) : undefined };
  }
  if (selector instanceof selectors.IndexSelector) return { kind: "index", index: selector.index };
  if (selector instanceof selectors.WildcardSelector) return { kind: "wildcard" };
  if (selector instanceof selectors.SliceSelector) {
    const { start, stop, step } = selector;
    return {
      kind: "slice",
      ...(start !== undefined && { start }),
      ...(stop !== undefined && { stop }),
      ...(step !== undefined && { step }),
    };
  }
  if (selector instanceof selectors.FilterSelector) {
    return { kind: "filter", filter: filterOf(selector.expression.expression, depth + 1) };
  }
  throw refused("it has a selector that is unknown");
}

function filterOf(expression: Expression, depth: number): Filter {
  const test = testOf(expression, depth);
  return {
    test,
    // `@` alone exists.
    readsNode: someQuery(
      test,
      ({ absolute, segments }, use) => !absolute && (use !== "exists" || segments.length > 0),
    ),
    readsMembers: someQuery(
      test,
      ({ absolute, segments }, use) => use === "value" && !absolute && segments.length > 0,
    ),
    followsNames: !someQuery(test, (of) => !of.absolute && !of.segments.every(isName)),
  };
}

function isName({ descendant, selectors: some }: Segment): boolean {
  return !descendant && some.every(({ kind }) => kind === "name");
}

function testOf(expression: Expression, depth: number): Test {
  if (depth > MAX_DEPTH) throw tooDeep();
  if (expression instanceof expressions.LogicalExpression) return testOf(expression.expression, depth + 1);
  if (expression instanceof expressions.PrefixExpression) {
    return { kind: "not", test: testOf(expression.right, depth + 1) };
  }
  if (expression instanceof expressions.InfixExpression) {
    const { operator } = expression;
    if (operator === "&&" || operator === "||") {
      const tests = chain(expression, operator).map((term) => testOf(term, depth + 1));
      return { kind: operator === "&&" ? "and" : "or", tests };
    }
    return {
      kind: "compare",
      operator: operator as Operator,
      left: operandOf(expression.left, depth + 1),
      right: operandOf(expression.right, depth + 1),
    };
  }
  if (expression instanceof expressions.FunctionExtension) {
    const { name } = expression;
    if (name === "match" || name === "search") {
      const [text, pattern] = expression.args.map((argument) => operandOf(argument, depth + 1));
      return { kind: name, text: text!, pattern: pattern! };
    }
  }
  return { kind: "exists", query: subQuery(expression, depth) };
}

/** The terms of `a && b && c`, which the parser gives as `a && (b && c)`. */
function chain(expression: Expression, operator: string): Expression[] {
  const terms: Expression[] = [];
  const open = [expression];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next instanceof expressions.InfixExpression && next.operator === operator) {
      open.push(next.right, next.left);
    } else terms.push(next);
  }
  return terms;
}

function operandOf(expression: Expression, depth: number): Operand {
  if (depth > MAX_DEPTH) throw tooDeep();
  if (expression instanceof expressions.NullLiteral) return { kind: "literal", value: null };
  if (
    expression instanceof expressions.BooleanLiteral ||
    expression instanceof expressions.NumberLiteral ||
    expression instanceof expressions.StringLiteral
  ) {
    return { kind: "literal", value: expression.value };
  }
  if (expression instanceof expressions.FunctionExtension) {
    const argument = expression.args[0]!;
    if (expression.name === "length") return { kind: "length", of: operandOf(argument, depth + 1) };
    if (expression.name === "count" || expression.name === "value") {
      return { kind: expression.name, query: subQuery(argument, depth) };
    }
  }
  return { kind: "value", query: subQuery(expression, depth) };
}

function subQuery(expression: Expression, depth: number): Query {
  if (expression instanceof expressions.RelativeQuery) return query(expression.path, false, depth + 1);
  if (expression instanceof expressions.RootQuery) return query(expression.path, true, depth + 1);
  throw refused("it has an expression that is unknown");
}

/** How a test uses a query: whether it exists, or an operand's kind. */
type Use = "exists" | Exclude<Operand, { kind: "literal" | "length" }>["kind"];

/** Whether any query of a test fits. */
function someQuery(test: Test, fits: (query: Query, use: Use) => boolean): boolean {
  switch (test.kind) {
    case "and":
    case "or":
      return test.tests.some((one) => someQuery(one, fits));
    case "not":
      return someQuery(test.test, fits);
    case "exists":
      return fits(test.query, "exists");
    case "compare":
      return operandFits(test.left, fits) || operandFits(test.right, fits);
    default:
      return operandFits(test.text, fits) || operandFits(test.pattern, fits);
  }
}

function operandFits(operand: Operand, fits: (query: Query, use: Use) => boolean): boolean {
  if (operand.kind === "literal") return false;
  return operand.kind === "length" ? operandFits(operand.of, fits) : fits(operand.query, operand.kind);
}

function refused(why: string): PeekpackError {
  return new PeekpackError("bad-path", `This is no JSONPath query: ${why}.`);
}

function tooDeep(): PeekpackError {
  return refused(`it nests more than ${MAX_DEPTH} levels deep`);
}
