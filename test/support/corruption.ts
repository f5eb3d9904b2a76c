/** Other values than those of a trace: a replay that does not notice them would notice nothing. */

/** A value of the same form that is not the same. */
export function corrupted(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string') return `${value}!`;
  if (Array.isArray(value)) return corruptedList(value);
  if (value === null) return 'null';
  const [first, ...others] = Object.entries(value as object); // Whatever else JSON has.
  return Object.fromEntries(first === undefined ? [['more', 1]] : [[first[0], corrupted(first[1])], ...others]);
}

function corruptedList(list: readonly unknown[]): unknown[] {
  const last = list.at(-1);
  return last === undefined ? [[1, 1, 1]] : [...list.slice(0, -1), corrupted(last)];
}
