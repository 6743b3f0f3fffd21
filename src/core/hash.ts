// Small stable hashes (FNV-1a): a text has the same hash in every version and on both platforms.

const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;
const MASK = 0xffffffffffffffffn;

/** 64-bit FNV-1a of the text’s UTF-16 code units. */
function stableHash(text: string): bigint {
  let hash = OFFSET;
  for (let i = 0; i < text.length; i++) {
    hash = ((hash ^ BigInt(text.charCodeAt(i))) * PRIME) & MASK;
  }
  return hash;
}

/** Returns a number in [0, 1) that the text alone determines; each letter affects every digit. */
export function stableFraction(text: string): number {
  let value = 0x81_1c_9d_c5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01_00_01_93);
  }
  // The high bits of FNV hardly change with the last letter of a text; the mixing spreads that change.
  value = Math.imul(value ^ (value >>> 16), 0x85_eb_ca_6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2_b2_ae_35);
  return ((value ^ (value >>> 16)) >>> 0) / 2 ** 32;
}

/** Returns a whole number below 2^53 that the text alone determines; two texts share one only by an unlikely chance. */
export function stableNumber(text: string): number {
  return Number(stableHash(text) & 0x1f_ffff_ffff_ffffn);
}

/** Returns the last `length` digits of the hash in base 36: short names that do not collide in practice. */
export function stableId(text: string, length: number): string {
  return stableHash(text).toString(36).padStart(length, '0').slice(-length);
}
