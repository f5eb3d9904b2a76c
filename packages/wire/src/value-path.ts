/** Where in a value something is, as text: `.address.lines[2]`, `.scores<entry 0>` inside of a Map or Set. */

/** A field name; an index in an array; or, negative, -1 less the position of an entry in a Map or Set. */
export type PathSegment = string | number;

export function formatPath(segments: readonly PathSegment[]): string {
  return segments.map(formatSegment).join('');
}

function formatSegment(segment: PathSegment): string {
  if (typeof segment === 'number') return segment >= 0 ? `[${segment}]` : `<entry ${-1 - segment}>`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(segment) ? `.${segment}` : `[${JSON.stringify(segment)}]`;
}
