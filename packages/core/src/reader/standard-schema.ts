import { PeekpackError } from "../errors.js";
import type { Value } from "../values.js";

/** A schema that implements Standard Schema (https://standardschema.dev), as those of zod, valibot and arktype do. */
export interface StandardSchema<Output = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What validating gives: the value, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  readonly message: string;
  /** Keys from the validated value to what is wrong. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A value does not fit a schema. Its `code` is `unsupported-value`, its `path` leads to the value that was validated. */
export class SchemaError extends PeekpackError {
  /** What is wrong, as the schema says it. */
  readonly issues: readonly SchemaIssue[];

  constructor(issues: readonly SchemaIssue[], path: readonly unknown[]) {
    const first = issues[0];
    const inner = first?.path?.map((part) => (typeof part === "object" ? part.key : part)) ?? [];
    const where = [...path, ...inner].map(String).join("/");
    const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
    const message = `${where === "" ? "" : `${where}: `}The value does not fit the schema: ${first?.message}${more}`;
    super("unsupported-value", message, { section: "data", path });
    this.issues = issues;
  }
}

/**
 * What a schema makes of a value.
 * @param path where the value is, for the error
 * @throws SchemaError if the value does not fit
 */
export async function validated<Output>(
  value: Value,
  schema: StandardSchema<Output>,
  path: readonly unknown[],
): Promise<Output> {
  const result = await schema["~standard"].validate(value);
  if (result.issues !== undefined) throw new SchemaError(result.issues, path);
  return result.value;
}
