// numpy's default generator: a seed gives the draws of np.random.default_rng(seed), so that a bag
// made here has the members that Python's has. PCG64 (O'Neill, 2014), seeded by numpy's
// SeedSequence; normals by the ziggurat of Marsaglia and Tsang (2000), as numpy lays it out.

const MASK64 = (1n << 64n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const RIM = 3.6541528853610087963519472518; // where the ziggurat's tail begins
const STRIP = 0.00492867323399; // area of each of its 256 strips
const density = (x) => Math.exp(-0.5 * x * x);
const LAYERS = ziggurat();

// Widths (of a 52-bit number), thresholds that need no second look, and heights of the strips.
function ziggurat() {
  const [widths, sure, heights] = [0, 1, 2].map(() => new Float64Array(256));
  const edges = new Float64Array(256);
  edges[255] = RIM;
  const area = stripArea();
  for (let i = 254; i >= 1; i--)
    edges[i] = Math.sqrt(-2 * Math.log(area / edges[i + 1] + density(edges[i + 1])));
  const base = area / density(RIM);
  for (let i = 0; i < 256; i++) {
    const outer = i ? edges[i] : base;
    widths[i] = outer / 2 ** 52;
    sure[i] = ((i ? edges[i - 1] : RIM) / outer) * 2 ** 52;
    heights[i] = density(edges[i]);
  }
  return { widths, sure, heights };
}

// The area that closes the ziggurat at the top, near STRIP: where the last strip reaches height 1.
function stripArea() {
  const gap = (area) => {
    let x = RIM;
    for (let i = 254; i >= 1; i--) {
      const height = area / x + density(x);
      if (height >= 1) return 1;
      x = Math.sqrt(-2 * Math.log(height));
    }
    return area / x + density(x) - 1;
  };
  let [low, high] = [STRIP * (1 - 1e-6), STRIP * (1 + 1e-6)];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (gap(middle) > 0) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

// 256 bits of state from a seed below 2^32, as four 64-bit words.
function seedWords(seed) {
  let constant = 0x43b0d7e5;
  const hash = (value) => {
    value ^= constant;
    constant = Math.imul(constant, 0x931e8875);
    value = Math.imul(value, constant);
    return value ^ (value >>> 16);
  };
  const join = (x, y) => {
    const mixed = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) | 0;
    return mixed ^ (mixed >>> 16);
  };
  const pool = [seed, 0, 0, 0].map(hash);
  for (let from = 0; from < 4; from++)
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = join(pool[to], hash(pool[from]));
  constant = 0x8b51f9dd;
  const words = Array.from({ length: 8 }, (_, i) => {
    let value = pool[i % 4] ^ constant;
    constant = Math.imul(constant, 0x58f38ded);
    value = Math.imul(value, constant);
    return BigInt((value ^ (value >>> 16)) >>> 0);
  });
  return [0, 2, 4, 6].map((i) => words[i] | (words[i + 1] << 32n));
}

export class Random {
  constructor(seed = 0) {
    const [high, low, streamHigh, streamLow] = seedWords(seed);
    this.increment = BigInt.asUintN(128, (((streamHigh << 64n) | streamLow) << 1n) | 1n);
    this.state = 0n;
    this.step();
    this.state = BigInt.asUintN(128, this.state + ((high << 64n) | low));
    this.step();
  }

  step() {
    this.state = BigInt.asUintN(128, this.state * MULTIPLIER + this.increment);
  }

  // 64 random bits.
  bits() {
    this.step();
    const word = (this.state >> 64n) ^ (this.state & MASK64);
    const turn = this.state >> 122n;
    return ((word >> turn) | (word << (64n - turn))) & MASK64;
  }

  // Uniform on [0, 1).
  uniform(low = 0, high = 1) {
    return low + (high - low) * (Number(this.bits() >> 11n) * 2 ** -53);
  }

  normal(mean = 0, sd = 1) {
    return mean + sd * this.standardNormal();
  }

  standardNormal() {
    for (;;) {
      const bits = this.bits();
      const layer = Number(bits & 0xffn);
      const size = Number((bits >> 9n) & 0xfffffffffffffn);
      const x = (bits & 0x100n ? -size : size) * LAYERS.widths[layer];
      if (size < LAYERS.sure[layer]) return x;
      if (layer === 0) return this.tail((bits >> 17n) & 1n ? -1 : 1);
      const [upper, lower] = [LAYERS.heights[layer - 1], LAYERS.heights[layer]];
      if ((upper - lower) * this.uniform() + lower < density(x)) return x;
    }
  }

  tail(sign) {
    for (;;) {
      const x = -Math.log1p(-this.uniform()) / RIM;
      const y = -Math.log1p(-this.uniform());
      if (y + y > x * x) return sign * (RIM + x);
    }
  }

  // How often of `count` draws each of as many equally likely things comes, as numpy's multinomial.
  evenCounts(count) {
    const drawn = new Float64Array(count);
    const share = 1 / count;
    let [left, remaining] = [count, 1];
    for (let j = 0; j < count - 1 && left > 0; j++) {
      drawn[j] = this.binomial(left, share / remaining);
      left -= drawn[j];
      remaining -= share;
    }
    if (left > 0) drawn[count - 1] = left;
    return drawn;
  }

  binomial(n, p) {
    if (n === 0 || p === 0) return 0;
    if (p > 0.5) return n - this.fewOf(n, 1 - p);
    return this.fewOf(n, p);
  }

  // Binomial by inversion of its distribution; numpy's choice while n p is at most 30.
  fewOf(n, p) {
    if (p * n > 30) throw new RangeError("more draws than this generator is made for");
    const q = 1 - p;
    const most = Math.floor(Math.min(n, n * p + 10 * Math.sqrt(n * p * q + 1)));
    const none = Math.exp(n * Math.log1p(-p));
    let [count, chance, u] = [0, none, this.uniform()];
    while (u > chance) {
      count++;
      if (count > most) [count, chance, u] = [0, none, this.uniform()];
      else {
        u -= chance;
        chance = ((n - count + 1) * p * chance) / (count * q);
      }
    }
    return count;
  }
}
