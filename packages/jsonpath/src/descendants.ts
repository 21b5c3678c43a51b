import { children, containersIn, counted } from "./children.js";
import { estimatedBytes, Groups, type Item } from "./item.js";
import { load, openArchives } from "./loading.js";
import type { Run } from "./run.js";

/** A container whose children are being visited. */
interface Frame {
  readonly windows: AsyncGenerator<Item[]>;
  window: readonly Item[];
  next: number;
}

/**
 * The containers among some items and everything below them, each before what it contains. The table is walked, and values
 * are read in groups, because containers may be in them.
 */
export async function* descendants(input: AsyncIterable<Item[]>, run: Run): AsyncGenerator<Item[]> {
  const groups = new Groups();
  const stack: Frame[] = [];
  let group: Item[] = [];
  let bytes = 0;

  const visit = (item: Item): void => {
    group.push(item);
    bytes += estimatedBytes(item, false);
    if (item.at.kind !== "node") return;
    const { node } = item.at;
    const isLongList = node.kind === "blocked" && estimatedBytes(item, false) === 0;
    if (node.kind === "map" || node.kind === "list" || isLongList) {
      stack.push({ windows: children(item, run), window: [], next: 0 });
    }
  };
  const flush = (): AsyncGenerator<Item[]> => {
    const full = group;
    group = [];
    bytes = 0;
    groups.grow();
    return loaded(full, run);
  };

  try {
    for await (const batch of input) {
      for (const piece of groups.split(batch, false)) {
        await openArchives(piece, run);
        for (const item of piece) {
          visit(item);
          for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
            if (frame.next < frame.window.length) {
              visit(frame.window[frame.next++]!);
              if (groups.isFull(group.length, bytes)) yield* flush();
              continue;
            }
            const { value, done } = await frame.windows.next();
            if (done) stack.pop();
            else {
              await openArchives(value, run);
              frame.window = value;
              frame.next = 0;
            }
          }
        }
      }
      yield* flush();
    }
  } finally {
    for (const { windows } of stack) await windows.return(undefined);
  }
}

/** The containers among visited items and in their values. */
async function* loaded(items: readonly Item[], run: Run): AsyncGenerator<Item[]> {
  await load(items, run, true);
  yield* counted(containersAmong(items), run);
}

function* containersAmong(items: readonly Item[]): Generator<Item> {
  for (const item of items) {
    if (item.at.kind === "plain") yield* containersIn(item, item.at.value);
    else yield item;
  }
}
