/**
 * Random numbers that follow from a text: the same text, the same number, so that nothing is kept between two of them.
 *
 * FNV-1a over the text's UTF-16 code units, then MurmurHash3's finalizer, as FNV alone leaves texts that differ in their last
 * character close together. Good enough to spread waits; not for secrets.
 */

/** A number from 0 to below 1. */
export function randomOf(text: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01_00_01_93);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2_b2_ae_35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
