import { describe, expect, it } from 'vitest';
import { parseOptions } from '../src/options.js';

const parse = (...args: string[]): object => parseOptions(args, () => 42);

describe('parseOptions', () => {
  it('has a default for everything', () => {
    expect(parse()).toEqual({ input: undefined, directory: undefined, seed: 42, isJson: false, isHelp: false });
  });

  it('reads every option', () => {
    expect(parse('--input', 'f.csv', '--directory=/d', '--seed', '7', '--json', '--help')).toEqual({
      input: 'f.csv',
      directory: '/d',
      seed: 7,
      isJson: true,
      isHelp: true,
    });
  });

  it.each([
    [['--colour'], /--colour/],
    [['file.csv'], /file\.csv/],
    [['--input'], /--input/],
    [['--input='], /--input/],
    [['--directory', ''], /--directory/],
    [['--json=yes'], /--json/],
    [['--seed', '-1'], /--seed/],
    [['--seed', 'x'], /--seed/],
    [['--seed', '4294967296'], /4294967296/],
    [['--seed='], /--seed/],
  ])('refuses %j and names what is wrong', (args, message) => {
    expect(() => parse(...args)).toThrow(
      expect.objectContaining({ code: 'ERR_FLIGHT_BOARD_OPTION', message: expect.stringMatching(message) }),
    );
  });
});
