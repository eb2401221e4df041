// scrypt (RFC 7914), for answers of exercises: the hash of Python's hashlib.scrypt, in hex.
// The browser's own crypto has no scrypt, and none at all on a page from a plain server.
"use strict";

const vvlmScrypt = (() => {
  const fraction = (x) => (x - Math.floor(x)) * 2 ** 32;
  const PRIMES = [];
  for (let n = 2; PRIMES.length < 64; n++) if (PRIMES.every((p) => n % p)) PRIMES.push(n);
  const ROUND = Uint32Array.from(PRIMES, (p) => fraction(Math.cbrt(p)));
  const START = Uint32Array.from(PRIMES.slice(0, 8), (p) => fraction(Math.sqrt(p)));
  const BLOCK = 64; // bytes that SHA-256 and Salsa20 take at once

  // ---- SHA-256, HMAC, PBKDF2 with one round ----------------------------------------------------

  function sha256(bytes) {
    const padded = new Uint8Array(Math.ceil((bytes.length + 9) / BLOCK) * BLOCK);
    padded.set(bytes);
    padded[bytes.length] = 0x80;
    const words = new DataView(padded.buffer);
    words.setUint32(padded.length - 4, bytes.length * 8);
    const [state, w] = [START.slice(), new Uint32Array(64)];
    const turn = (x, n) => (x >>> n) | (x << (32 - n));
    for (let at = 0; at < padded.length; at += BLOCK) {
      for (let i = 0; i < 16; i++) w[i] = words.getUint32(at + 4 * i);
      for (let i = 16; i < 64; i++) {
        const [a, b] = [w[i - 15], w[i - 2]];
        w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) +
          (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 64; i++) {
        const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) +
          ROUND[i] + w[i];
        const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
      }
      [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] += word));
    }
    const found = new DataView(new ArrayBuffer(32));
    state.forEach((word, i) => found.setUint32(4 * i, word));
    return new Uint8Array(found.buffer);
  }

  const join = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

  function hmac(key, message) {
    const short = new Uint8Array(BLOCK);
    short.set(key.length > BLOCK ? sha256(key) : key);
    const pad = (byte) => short.map((k) => k ^ byte);
    return sha256(join(pad(0x5c), sha256(join(pad(0x36), message))));
  }

  function pbkdf2(password, salt, length) {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) =>
      hmac(password, join(salt, new Uint8Array([0, 0, (i + 1) >> 8, i + 1])))
    );
    return join(...blocks).slice(0, length);
  }

  // ---- Salsa20/8 and the mixing of blocks ------------------------------------------------------

  // Places of the sixteen words that a double round of Salsa20 turns, four at a time.
  const QUARTERS = [
    [0, 4, 8, 12], [5, 9, 13, 1], [10, 14, 2, 6], [15, 3, 7, 11],
    [0, 1, 2, 3], [5, 6, 7, 4], [10, 11, 8, 9], [15, 12, 13, 14],
  ];
  const x = new Int32Array(16);

  // Add the hash of x xor the words at `from` to x, in place.
  function salsa(words, from) {
    for (let i = 0; i < 16; i++) x[i] ^= words[from + i];
    const before = x.slice();
    for (let round = 0; round < 4; round++)
      for (let q = 0; q < 8; q++) {
        const places = QUARTERS[q];
        const [a, b, c, d] = [places[0], places[1], places[2], places[3]];
        let sum = x[a] + x[d];
        x[b] ^= (sum << 7) | (sum >>> 25);
        sum = x[b] + x[a];
        x[c] ^= (sum << 9) | (sum >>> 23);
        sum = x[c] + x[b];
        x[d] ^= (sum << 13) | (sum >>> 19);
        sum = x[d] + x[c];
        x[a] ^= (sum << 18) | (sum >>> 14);
      }
    for (let i = 0; i < 16; i++) x[i] += before[i];
  }

  // Mix 2 r blocks of sixteen words: even ones first, odd ones after.
  function mix(words, into, r) {
    x.set(words.subarray((2 * r - 1) * 16));
    for (let i = 0; i < 2 * r; i++) {
      salsa(words, i * 16);
      into.set(x, ((i >> 1) + (i % 2) * r) * 16);
    }
  }

  function romix(bytes, n, r) {
    const size = 32 * r;
    let words = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 4 * size));
    let other = new Int32Array(size);
    const kept = new Int32Array(n * size);
    for (let i = 0; i < n; i++) {
      kept.set(words, i * size);
      mix(words, other, r);
      [words, other] = [other, words];
    }
    for (let i = 0; i < n; i++) {
      const from = (words[size - 16] & (n - 1)) * size;
      for (let k = 0; k < size; k++) words[k] ^= kept[from + k];
      mix(words, other, r);
      [words, other] = [other, words];
    }
    return new Uint8Array(words.buffer);
  }

  // The hash of a text under a salt, as hex; settings as in hashlib.scrypt: n, r, p, dklen.
  return (text, salt, { n, r, p, dklen }) => {
    const [password, salted] = [text, salt].map((t) => new TextEncoder().encode(t));
    const wide = pbkdf2(password, salted, p * 128 * r);
    const blocks = Array.from({ length: p }, (_, i) =>
      romix(wide.slice(i * 128 * r, (i + 1) * 128 * r), n, r)
    );
    const found = pbkdf2(password, join(...blocks), dklen);
    return Array.from(found, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
})();
