// Check a table of runs against their schema: vvlm_utils/runs/{schema,table}.py. A bad table is
// refused with every column, hint and the first lines and values.
import { RunsError } from "./csv.js";
import { general, grouped, isAllOf, isPrintable, quoted, shortCount, strip } from "./text.js";

export const FACTORS = ["lm_params", "frames", "tokens_per_frame"];
export const EXAMPLES = "train_examples";

const NUMBER = /^[\t-\r ]*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[\t-\r ]*$/i;
const isWhole = (text) => text !== null && /^[\t-\r ]*[+-]?\d+[\t-\r ]*$/.test(text);

// A text as a number, NaN where it is none.
function toNumber(text) {
  if (NUMBER.test(text)) return Number(text);
  const infinite = /^([+-]?)(inf|infinity)$/i.exec(text);
  return infinite ? (infinite[1] === "-" ? -Infinity : Infinity) : NaN;
}

const isTruth = (text) => ["True", "TRUE", "true", "False", "FALSE", "false"].includes(text);

// A column as numbers, NaN where it is empty or no number.
function asNumbers(texts) {
  const there = texts.filter((text) => text !== null);
  if (there.length && there.every(isTruth))
    return texts.map((text) => (text === null ? NaN : Number(/^t/i.test(text))));
  const signed = texts.every(isWhole) ? 0 : -0; // whole numbers know no -0
  return texts.map((text) => (text === null ? NaN : toNumber(text) + signed));
}

// A number as Python writes a float, a whole one without ".0".
function asFloat(v) {
  if (!Number.isFinite(v)) return general(v);
  const [size, digits] = [Math.abs(v), v.toExponential().replace(/e([+-])(\d)$/, "e$10$2")];
  return v !== 0 && (size < 1e-4 || size >= 1e16) ? digits : String(v);
}

// A column as text, as Python writes what pandas read.
function asTexts(texts) {
  const numbers = asNumbers(texts);
  if (texts.every((text, i) => text === null || !Number.isNaN(numbers[i]))) {
    const asRead = (text, v) => (isTruth(text) ? (v ? "True" : "False")
      : isWhole(text) ? String(BigInt(text.trim().replace(/^\+/, ""))) : asFloat(v));
    return texts.map((text, i) => (text === null ? null : asRead(text, numbers[i])));
  }
  return texts.map((text) => (text === null ? null : strip(text)));
}

function hintFor(text, { no_number: forms, plain }) {
  const bare = strip(text);
  if (/[\p{L}\p{Nl}\p{No}]{3,}/u.test(bare) && !/\p{Nd}|nan|inf/u.test(bare.toLowerCase()))
    return `${plain}, and not words`;
  const found = forms.find(([form]) => isAllOf(form, bare));
  return found ? found[1] : plain;
}

// Counts without a spreadsheet's rounding noise.
function cleanCount(value) {
  if (!Number.isFinite(value)) return value;
  const near = Math.round(value);
  if (Math.abs(value - near) <= 1e-9 * Math.abs(value)) return near;
  return Number(general(value, 10));
}

const show = (value) => {
  const text = value === null ? "nan" : typeof value === "number" ? general(value, 12) : quoted(value);
  return [...text].length <= 60 ? text : `${[...text].slice(0, 56).join("")} ...`;
};

// The first lines with their values, and how many there are beside.
function nameLines(found, { most_places: most }) {
  const groups = new Map();
  for (const { line, value } of found) {
    const shown = show(value);
    groups.set(shown, [...(groups.get(shown) ?? []), line]);
  }
  const places = [];
  let named = 0;
  for (const [shown, lines] of groups) {
    const spans = [];
    for (const line of lines.sort((a, b) => a - b)) {
      if (spans.length && spans.at(-1)[1] === line - 1) spans.at(-1)[1] = line;
      else spans.push([line, line]);
    }
    const first = spans.slice(0, most);
    const rows = first.reduce((sum, [low, high]) => sum + high - low + 1, 0);
    const where = first.map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`)).join(", ");
    places.push(`line${rows > 1 ? "s" : ""} ${where} (${shown})`);
    named += rows;
    if (places.length === most) break;
  }
  const more = found.length - named;
  return places.join(", ") + (more ? `, and ${grouped(more)} more` : "");
}

function refuse(problems, label, rules) {
  const lines = problems.map(({ column, hint, found }) =>
    `${column} ${hint}: ${nameLines(found, rules)}`.trimStart()
  );
  if (lines.length === 1) throw new RunsError(`${label}: ${lines[0]}`);
  let shown = lines.length < rules.most_lines ? lines : lines.slice(0, rules.most_lines - 2);
  if (shown.length < lines.length) shown = [...shown, `and ${lines.length - shown.length} more kinds`];
  throw new RunsError(`${label}: ${lines.length} kinds of problem\n  ${shown.join("\n  ")}`);
}

// Which of metric, error and loss a table gives, without an error that was derived from a metric.
function dropDerived(names, columns) {
  const both = ["metric", "error"].every((name) => names.includes(name));
  if (!both || new Set(names).size < names.length) return names;
  const [metric, error] = ["metric", "error"].map((name) => asNumbers(columns[name]));
  if (columns.metric.every((text) => text === null)) return names.filter((name) => name !== "metric");
  const close = metric.every((m, i) => {
    const wanted = 100 - m;
    if (Number.isNaN(wanted) || Number.isNaN(error[i])) return Number.isNaN(wanted) && Number.isNaN(error[i]);
    return wanted === error[i] || Math.abs(error[i] - wanted) <= 1e-6 + 1e-5 * Math.abs(wanted);
  });
  return close ? names.filter((name) => name !== "error") : names;
}

function chooseOutcome(names, label, { outcomes }) {
  const there = outcomes.filter((name) => names.includes(name));
  if (there.length > 1) {
    const derived = there.join() === "metric,error" ? ", and error is not 100 - metric" : "";
    throw new RunsError(
      `${label}: columns ${there.join(" and ")} are both there${derived}; keep the one that ` +
      "the law is to explain, and rename or remove the other"
    );
  }
  return there[0] ?? "metric";
}

function checkNames(names, needed, label, rules) {
  const found = names.map((name) => (isPrintable(name) ? name : quoted(name)));
  const missing = needed.filter((name) => !names.includes(name));
  if (missing.length) {
    const all = [...found.join(", ")];
    const there = all.length <= 300 ? all.join("") : `${all.slice(0, 300).join("")} ...`;
    const also = missing.includes("metric") ? " (or error, or loss: smaller is better)" : "";
    throw new RunsError(`${label}: missing column ${missing.join(", ")}${also}; add it ` +
      `(required: ${needed.join(", ")}; found: ${there})`);
  }
  const stems = names.map((name) => name.replace(/\.\d+$/, ""));
  const known = [...new Set([...rules.columns, ...needed, rules.cost])];
  const twice = known.filter((name) => stems.filter((stem) => stem === name).length > 1);
  names.forEach((name, k) => names.filter((n) => n === name).length > 1 && twice.push(found[k]));
  if (twice.length)
    throw new RunsError(`${label}: column ${[...new Set(twice)].join(", ")} stands there twice; ` +
      "keep the one that counts");
}

function checkFactors(factors, rules) {
  for (const name of factors) {
    if (!/^[A-Za-z]\w{0,40}$/.test(name))
      throw new RunsError(`factor ${quoted(name)} must be a name of letters, digits and _`);
    if ([...rules.columns, ...rules.outcomes, rules.cost].includes(name))
      throw new RunsError(`factor ${quoted(name)} is a column of its own; declare a further column`);
  }
  if (new Set(factors).size < factors.length)
    throw new RunsError(`factors must be distinct, got ${factors.join(", ")}`);
}

function runName(row) {
  const budget = Number.isNaN(row.target_tflops) ? "" : general(row.target_tflops);
  const [lm, n] = [row.lm_params, row[EXAMPLES]].map((v) => shortCount(Number.isNaN(v) ? 0 : v));
  return `${row.sweep ?? "nan"}${budget}-${lm}-${general(row.frames)}x` +
    `${general(row.tokens_per_frame)}-n${n}`;
}

// The tests of a schema's checks, by name; each says whether a value passes.
const CHECKS = {
  positive: (v) => !(v <= 0),
  bounded: (v, { limit }) => !(v >= limit),
  not_negative: (v) => !(v < 0),
  whole: (v) => v % 1 === 0,
  least: (v, rules, bound) => !(v > 0 && v < bound),
  range: (v, rules, [low, high]) => v >= low && v <= high,
  among: (v, rules, words) => words.includes(v),
  finite: (v) => Math.abs(v) !== Infinity,
};

function columnProblems(rows, columns, rules) {
  const found = [];
  const isEmpty = (v) => v === null || Number.isNaN(v);
  for (const { name, nullable, checks } of columns) {
    const cells = rows.map((row) => ({ line: row.line, value: row[name] }));
    const empty = cells.filter(({ value }) => isEmpty(value));
    if (!nullable && empty.length)
      found.push({ column: name, hint: rules.messages.empty, found: empty });
    for (const [test, message, bound] of checks) {
      const bad = cells.filter(({ value }) => !isEmpty(value) && !CHECKS[test](value, rules, bound));
      if (bad.length) found.push({ column: name, hint: message, found: bad });
    }
  }
  return found;
}

function tableProblems(rows, outcome, factors, rules) {
  const found = [];
  const note = (hint, bad) =>
    bad.length && found.push({ column: "", hint, found: bad.map((r) => ({ line: r.line, value: r.run_id })) });
  const key = [...rules.row_key, ...factors];
  const keyOf = (row) => JSON.stringify(key.map((name) => row[name]));
  const counts = new Map();
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1);
  note(rules.messages.duplicate.replace("{key}", key.join(", ")), rows.filter((r) => counts.get(keyOf(r)) > 1));
  note(rules.messages.target, rows.filter((r) => r.sweep === "isoflop" && Number.isNaN(r.target_tflops)));
  const fractions = rows.every((r) => r.metric <= 1) && rows.some((r) => r.metric > 0);
  if (outcome === "metric" && fractions) note(rules.messages.scale, rows);
  return found;
}

// Checked rows of a CSV as readCsv gives it, each with its error: {rows, unit}.
export function checkRuns({ names, rows: cells }, label, factors, rules) {
  checkFactors(factors, rules);
  const columns = Object.fromEntries(names.map((name, k) => [name, cells.map((row) => row.cells[k])]));
  const kept = dropDerived(names, columns);
  const outcome = chooseOutcome(kept, label, rules);
  checkNames(kept, [...FACTORS, EXAMPLES, outcome, ...factors], label, rules);
  if (!cells.length)
    throw new RunsError(`${label}: holds no rows; add one row per finetuned and evaluated model`);
  const hasCost = kept.includes(rules.cost);
  const counts = [...FACTORS, EXAMPLES, ...factors];
  const others = ["target_tflops", "metric_se", "seed", outcome, ...(hasCost ? [rules.cost] : [])];
  const rows = cells.map(({ line }) => ({ line }));
  const unreadable = [];
  for (const name of [...counts, ...others]) {
    const texts = kept.includes(name) ? columns[name] : cells.map(() => String(rules.defaults[name]));
    const numbers = asNumbers(texts);
    const bad = new Map();
    numbers.forEach((value, i) => {
      rows[i][name] = counts.includes(name) ? cleanCount(value) : value;
      if (!Number.isNaN(value) || texts[i] === null || texts[i] === "NaN") return;
      const hint = hintFor(texts[i], rules);
      bad.set(hint, [...(bad.get(hint) ?? []), { line: rows[i].line, value: texts[i] }]);
    });
    for (const [hint, found] of bad) unreadable.push({ column: name, hint, found });
  }
  for (const name of ["source", "sweep", "task"]) {
    const texts = kept.includes(name) ? asTexts(columns[name]) : cells.map(() => rules.defaults[name]);
    texts.forEach((text, i) => (rows[i][name] = text));
  }
  const ids = kept.includes("run_id") ? asTexts(columns.run_id) : rows.map(runName);
  ids.forEach((text, i) => (rows[i].run_id = text));
  if (kept.includes("draw")) columns.draw.forEach((text, i) => (rows[i].draw = text));
  const found = [
    ...columnProblems(rows, schemaFor(outcome, factors, hasCost, rules), rules),
    ...tableProblems(rows, outcome, factors, rules),
  ];
  const problems = joinProblems(unreadable, found);
  if (problems.length) refuse(problems, label, rules);
  for (const row of rows) row.error = outcome === "metric" ? 100 - row.metric : row[outcome];
  return { rows, unit: outcome === "metric" ? "points" : outcome, hasCost };
}

function schemaFor(outcome, factors, hasCost, { schema, positive, cost, messages }) {
  const columns = schema.filter(({ name }) => name !== "metric" || outcome === "metric");
  const plain = (name) => ({ name, nullable: false, checks: positive });
  if (outcome !== "metric") columns.push(plain(outcome));
  columns.push(...factors.map(plain));
  if (hasCost)
    columns.push({ name: cost, nullable: false, checks: [positive[0], ["finite", messages.finite]] });
  return columns;
}

// All problems, without those that follow from cells that are no numbers.
function joinProblems(unreadable, found) {
  const lines = new Set(unreadable.flatMap((p) => p.found.map(({ line }) => line)));
  const cells = new Set(unreadable.flatMap((p) => p.found.map(({ line }) => `${p.column} ${line}`)));
  const left = found.map((problem) => ({
    ...problem,
    found: problem.found.filter(({ line }) =>
      problem.column ? !cells.has(`${problem.column} ${line}`) : !lines.has(line)
    ),
  }));
  return [...unreadable, ...left.filter((problem) => problem.found.length)];
}
