import { type ReactElement, useEffect, useState } from "react";

const EXAMPLES = [
  "$.stations[?@.elevation > 2500]",
  "$.stations[?@.kind == 'coast' && @.warmest > 35]",
  "$.stations[?match(@.id, 'valley-.*[05]')]",
  "$.stations[:50]",
];

/** A field for a JSONPath query, and examples. */
export function QueryForm({
  text,
  onSubmit,
}: {
  readonly text: string;
  readonly onSubmit: (text: string) => void;
}): ReactElement {
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(typed);
      }}
    >
      <label htmlFor="query">JSONPath</label>
      <input
        id="query"
        value={typed}
        list="examples"
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => setTyped(event.target.value)}
      />
      <datalist id="examples">
        {EXAMPLES.map((example) => (
          <option key={example} value={example} />
        ))}
      </datalist>
      <button type="submit">Find</button>
    </form>
  );
}
