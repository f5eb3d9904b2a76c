/** The blocks of code in a page of Markdown. */

export interface CodeBlock {
  readonly language: string;
  /** What stands behind the language: a file's name. */
  readonly name: string | undefined;
  readonly text: string;
}

export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/^```(\w+)(?: ([\w.-]+))?\n(.*?)^```$/gms)].map(
    ([, language = '', name, text = '']) => ({ language, name, text }),
  );
}
