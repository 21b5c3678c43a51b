/** Values in each file. */
export const VALUES = 1_000_000;

/** The value of a number, as a text. Just too long for a block: each gets a node. */
export const record = (id: number): string => `a text of the record ${id}`;
