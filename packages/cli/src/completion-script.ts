/** Scripts that complete commands, options and their values in a shell, made from the table of commands. */
import type { OptionSpec } from "./arguments.js";
import type { Command } from "./command.js";
import { COMMON_OPTIONS } from "./help-text.js";

/** Values of options that are files or folders. */
const FILES = new Set(["FILE", "OUT", "DIR"]);

/** What is completed after one command. */
interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly (readonly [string, OptionSpec])[];
  /** The words that are its arguments. Undefined: files. */
  readonly words: readonly string[] | undefined;
}

function completed(commands: readonly Command[]): Completed[] {
  const names = commands.map(({ name }) => name);
  const help: Completed = { name: "help", summary: "Show the help of a command", options: [], words: names };
  return [
    ...commands.map(({ name, summary, options, words, positionals }) => ({
      name,
      summary,
      options: Object.entries({ ...options, ...COMMON_OPTIONS }),
      words: words ?? (positionals[1] === 0 ? [] : undefined),
    })),
    help,
  ];
}

/** The script for bash. */
export function bashCompletion(commands: readonly Command[]): string {
  const all = completed(commands);
  const cases = all.flatMap(({ name, options, words }) => {
    const flags = options.flatMap(([option, { short }]) => [...(short ? [`-${short}`] : []), `--${option}`]);
    const values = options
      // A value that may be left out is not the next word.
      .filter(([, { value, optional }]) => value !== undefined && !optional)
      .map(
        ([option, spec]) =>
          `        --${option}) ${spec.words ? `flags= words="${spec.words.join(" ")}"` : FILES.has(spec.value!) ? "flags= words= files=1" : "flags= words= files="} ;;`,
      );
    return [
      `    ${name})`,
      `      flags="${flags.join(" ")}"`,
      ...(words === undefined ? [] : [`      words="${words.join(" ")}" files=`]),
      ...(values.length === 0 ? [] : ['      case "$prev" in', ...values, "      esac"]),
      "      ;;",
    ];
  });
  return `# Completes peekpack in bash: eval "$(peekpack completion bash)"
_peekpack() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local flags="" words="" files=1
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${all.map(({ name }) => name).join(" ")} --help --version" -- "$cur"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  if [[ "$cur" == -* && -n "$flags" ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  elif [ -n "$files" ]; then
    compopt -o filenames 2>/dev/null
    local IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -F _peekpack peekpack
`;
}

/** The script for zsh. */
export function zshCompletion(commands: readonly Command[]): string {
  const all = completed(commands);
  const cases = all.map(({ name, options, words }) => {
    const specs = options.map(([option, { value, optional, short, help, words: choices }]) => {
      const action = choices ? `(${choices.join(" ")})` : value && FILES.has(value) ? "_files" : "";
      const argument = value === undefined || optional ? "" : `:${value}:${action}`;
      const text = `[${zshText(help)}]${argument}`;
      return short === undefined ? quoted(`--${option}${text}`) : `{-${short},--${option}}${quoted(text)}`;
    });
    const rest = words === undefined ? "*:file:_files" : `*:argument:(${words.join(" ")})`;
    return `    ${name}) _arguments ${[...specs, quoted(rest)].join(" \\\n      ")} ;;`;
  });
  const names = all.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(":", "\\:")}`)}`);
  return `#compdef peekpack
# Completes peekpack in zsh: save as _peekpack in a folder of $fpath.
_peekpack() {
  local -a commands
  commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_peekpack" ]; then _peekpack "$@"; else compdef _peekpack peekpack; fi
`;
}

/** The script for fish. */
export function fishCompletion(commands: readonly Command[]): string {
  const lines = ["# Completes peekpack in fish: save as ~/.config/fish/completions/peekpack.fish."];
  for (const { name, summary, options, words } of completed(commands)) {
    const after = `-n "__fish_seen_subcommand_from ${name}"`;
    lines.push(`complete -c peekpack -n __fish_use_subcommand -f -a ${name} -d ${fishText(summary)}`);
    if (words !== undefined) lines.push(`complete -c peekpack ${after} -f -a ${fishText(words.join(" "))}`);
    for (const [option, { value, optional, short, help, words: choices }] of options) {
      const parameter =
        value === undefined || optional
          ? ""
          : choices
            ? ` -x -a ${fishText(choices.join(" "))}`
            : FILES.has(value)
              ? " -r"
              : " -x";
      const letter = short === undefined ? "" : ` -s ${short}`;
      lines.push(`complete -c peekpack ${after} -l ${option}${letter}${parameter} -d ${fishText(help)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** A word of a shell in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function zshText(text: string): string {
  return text.replace(/[[\]:\\]/g, "\\$&");
}

function fishText(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
