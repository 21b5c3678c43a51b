/** One rule of a bucket's CORS configuration. */
export interface CorsRule {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly maxAge: number | undefined;
}

/** Whether `text` matches a pattern with at most one `*`. */
function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === text;
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after);
}

/** The first rule that allows a request, or a preflight that asks for `headers`. */
export function matchingRule(
  rules: readonly CorsRule[],
  origin: string,
  method: string,
  headers: readonly string[],
): CorsRule | undefined {
  return rules.find(
    (rule) =>
      rule.origins.some((pattern) => matches(pattern, origin)) &&
      rule.methods.includes(method) &&
      headers.every((name) => rule.headers.some((pattern) => matches(pattern.toLowerCase(), name))),
  );
}

/** The response headers that a rule grants to `origin`. */
export function corsHeadersOf(rule: CorsRule, origin: string): Record<string, string> {
  const everyone = rule.origins.includes("*");
  return {
    "access-control-allow-origin": everyone ? "*" : origin,
    ...(everyone ? {} : { "access-control-allow-credentials": "true" }),
    "access-control-allow-methods": rule.methods.join(", "),
    ...(rule.exposed.length === 0 ? {} : { "access-control-expose-headers": rule.exposed.join(", ") }),
    ...(rule.maxAge === undefined ? {} : { "access-control-max-age": String(rule.maxAge) }),
    vary: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
  };
}
