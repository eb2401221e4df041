// Numbers, factors and designs as words: vvlm_utils/text.py, and Python's formats that it uses.

// Python's format "g": so many significant digits, no zeros at the end.
export function general(value, digits = 6) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  const bare = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (power < -4 || power >= digits) {
    const sign = power < 0 ? "-" : "+";
    return `${bare(mantissa)}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  return bare(value.toFixed(Math.max(0, digits - 1 - power)));
}

// A count with its thousand's letter: 7.5B, 250k.
export function shortCount(value) {
  for (const [size, letter] of [[1e9, "B"], [1e6, "M"], [1e3, "k"]])
    if (value >= size) return `${general(value / size)}${letter}`;
  return general(value);
}

export const sayLevel = (value) =>
  value >= 1e4 ? shortCount(Number(general(value, 3))) : general(value);

export const grouped = (count) => String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

export const sayName = (names, factor) => names[factor] ?? `\`${factor}\``;

export function sayLevels(levels) {
  const shown = levels.map(sayLevel);
  if (shown.length > 8) return `${shown.length} levels from ${shown[0]} to ${shown.at(-1)}`;
  return shown.length > 1 ? `${shown.length} levels (${shown.join(", ")})` : `only ${shown[0]}`;
}

// A design in words: LM size, frames x tokens per frame, and further factors it has.
export function sayDesign(row, factors = []) {
  const further = factors.filter((f) => f in row).map((f) => `${f} ${sayLevel(row[f])}`);
  const three = `${sayLevel(row.lm_params)} LM, ${general(row.frames)} x ` +
    general(row.tokens_per_frame);
  return [three, ...further].join(", ");
}

// What Python's strip() and its patterns take for white space: not quite JavaScript's trim() and \s.
const SPACE = "[\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const ENDS = new RegExp(`^${SPACE}+|${SPACE}+$`, "g");
export const strip = (text) => text.replace(ENDS, "");

// Whether a pattern of Python's is all of a text.
export function isAllOf(form, text) {
  const own = form.replaceAll("\\d", "\\p{Nd}").replaceAll("\\s", SPACE);
  return new RegExp(`^(?:${own})$`, "su").test(text);
}

// Python's repr of a text.
export function quoted(text) {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const named = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", [mark]: `\\${mark}` };
  const hex = (code, digits) => code.toString(16).padStart(digits, "0");
  return mark + Array.from(text, (c) => {
    if (c in named) return named[c];
    const code = c.codePointAt(0);
    if (isPrintable(c)) return c;
    return code < 256 ? `\\x${hex(code, 2)}` : code < 65536 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
  }).join("") + mark;
}

export const isPrintable = (text) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(text);

const SCALES = {
  "": 1, k: 1e3, thousand: 1e3, m: 1e6, million: 1e6, b: 1e9, g: 1e9, billion: 1e9, t: 1e12,
};

// A number as people write it: 500k, 0.5M, 500,000 and 5e5 are one; NaN where the text is none. A
// comma parts thousands.
export function readNumber(text) {
  const form = /^([+-]?(?:\d{1,3}(?:[, ]\d{3})+|\d*)(?:\.\d*)?(?:e[+-]?\d+)?)\s*([a-z]*)$/i;
  const [, digits, word] = String(text).trim().match(form) ?? [];
  const scale = SCALES[word?.toLowerCase()];
  return digits && scale ? Number(digits.replace(/[, ]/g, "") || NaN) * scale : NaN;
}
