// One road for a table: vvlm_utils/runs/{prepared,space,sanity}.py. Chooses the task, merges
// repeats, sets factors aside that never moved, prices designs and spans the space to choose from.
import { RunsError, readCsv } from "./csv.js";
import { checkRuns, EXAMPLES, FACTORS } from "./table.js";
import { general, sayLevel, sayName } from "./text.js";

export const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
export const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
export const largest = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
export const distinct = (values) => [...new Set(values)].sort((a, b) => a - b);

export function dot(x, y) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

export function groupBy(rows, keys) {
  const groups = new Map();
  for (const row of rows) {
    const key = JSON.stringify(keys.map((name) => row[name] ?? null));
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  return [...groups.values()];
}

function variance(values) {
  if (values.length < 2) return 0;
  const middle = mean(values);
  return values.reduce((sum, v) => sum + (v - middle) ** 2, 0) / (values.length - 1);
}

export function median(values) {
  const sorted = Float64Array.from(values).sort();
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

// The rows of one task, its name, and what to say where nobody named it.
function chooseTask(rows, name, task, factors, rules) {
  const there = [...new Set(rows.map((row) => row.task))];
  const of = (wanted) => rows.filter((row) => row.task === wanted);
  if (task) {
    if (!there.includes(task))
      throw new RunsError(`${name}: no runs of task '${task}'; choose one of ${there.join(", ")}`);
    return { rows: of(task), task, said: [] };
  }
  if (there.includes(rules.average) || there.length === 1) {
    const own = there.includes(rules.average) ? rules.average : there[0];
    const said = own === rules.average ? [] : [`The table has one task, ${own}.`];
    return { rows: of(own), task: own, said };
  }
  return {
    rows: averageTasks(rows, there, name, factors), task: rules.average,
    said: [`The answer is for the mean of the table's ${there.length} tasks: ${there.join(", ")}.`],
  };
}

function averageTasks(rows, there, name, factors) {
  const run = ["source", "sweep", "target_tflops", ...FACTORS, EXAMPLES, ...factors, "seed", "draw"];
  const groups = groupBy(rows, run);
  const lacking = groups.filter((g) => new Set(g.map((row) => row.task)).size < there.length).length;
  if (lacking)
    throw new RunsError(
      `${name}: ${lacking} of ${groups.length} runs lack some of the tasks ${there.join(", ")}, ` +
      "so their mean would compare unlike things; choose one with --task"
    );
  return groups.map((g) => {
    const over = (column) => mean(g.map((row) => row[column]));
    const se = Math.sqrt(g.reduce((sum, row) => sum + row.metric_se ** 2, 0)) / g.length;
    return { ...g[0], task: "avg", metric: over("metric"), error: over("error"), metric_se: se,
      ...("cost_flops" in g[0] ? { cost_flops: over("cost_flops") } : {}) };
  });
}

// One row for each design, sweep and n, with the mean over draws, and over their seeds.
function mergeRepeats(rows, factors) {
  const design = ["source", "sweep", "target_tflops", ...FACTORS, ...factors, EXAMPLES];
  if (groupBy(rows, design).length === rows.length) return rows;
  const draw = rows.some((row) => row.draw !== undefined) ? "draw" : "seed";
  const numbers = ["metric", "error", "metric_se", "cost_flops"].filter((c) => c in rows[0]);
  const average = (g) => ({
    ...g[0], ...Object.fromEntries(numbers.map((c) => [c, mean(g.map((row) => row[c]))])),
  });
  return groupBy(rows, [...design, "task"]).map((repeats) => {
    const draws = groupBy(repeats, [draw]).map(average);
    const spread = variance(draws.map((row) => row.error)) / draws.length;
    const joined = average(draws);
    return { ...joined, seed: 0, draws: draws.length,
      metric_se: Math.sqrt(joined.metric_se ** 2 + spread) };
  });
}

// ---- price and space ---------------------------------------------------------------------------

// FLOPs of one video, by the terms of an LM size: a video's, a frame's, a visual token's and those of a
// pair of visual tokens.
export function costOf([fixed, perFrame, perToken, perPair], frames, tokensPerFrame) {
  const tokens = frames * tokensPerFrame;
  return fixed + frames * perFrame + tokens * perToken + tokens * tokens * perPair;
}

// FLOPs of one video: by Equation 1, for the LM alone, or of every matrix product.
export function priceOf({ name, tower, exact }, { lm_params: n, frames: t, tokens_per_frame: v }) {
  if (exact) return costOf(exact.get(n), t, v);
  const vision = name === "paper" ? t * (2 * tower.params * tower.features_per_frame) : 0;
  return vision + 2 * t * n * v;
}

// The terms of the catalogued decoder nearest to an LM size.
function exactTerms(size, { decoders, nearest }) {
  const gap = ({ params }) => Math.abs(params / size - 1);
  const found = decoders.reduce((a, b) => (gap(b) < gap(a) ? b : a));
  if (gap(found) <= nearest) return found.terms;
  const choices = decoders.map(({ name, params }) => `${name} (${general(params / 1e9, 3)}B)`);
  throw new RunsError(`no decoder within ${100 * nearest}% of lm_params ${general(size)}; take a size ` +
    `near one of ${choices.join(", ")}`);
}

function choosePrice(cost, tower, source, rules) {
  if (!["exact", "lm_only"].includes(cost))
    return { name: "paper", tower: tower ?? source?.tower ?? rules.tower };
  if (tower && JSON.stringify(tower) !== JSON.stringify(rules.tower))
    throw new RunsError(`cost '${cost}' does not read the encoder's size; drop --tower-params and ` +
      "--features-per-frame, or take cost 'paper'");
  return { name: cost, tower: rules.tower };
}

export const rint = (v) => {
  const near = Math.round(v);
  return near - v === 0.5 && near % 2 ? near - 1 : near;
};

function geometric(low, high, count) {
  const [a, b] = [Math.log10(low), Math.log10(high)];
  return Array.from({ length: count }, (_, i) =>
    i === 0 ? low : i === count - 1 ? high : 10 ** (a + (i * (b - a)) / (count - 1))
  );
}

// At most so many of the values, ends included, evenly by their logarithm.
export function spread(values, most) {
  const all = distinct(values);
  if (all.length <= most) return all;
  const near = geometric(all[0], all.at(-1), most).map((wanted) => {
    const gaps = all.map((v) => Math.abs(Math.log(v) - Math.log(wanted)));
    return all[gaps.indexOf(least(gaps))];
  });
  return distinct(near);
}

// The designs between the runs' own levels.
function spaceWithin(rows, most) {
  const of = (f) => rows.map((row) => row[f]);
  const [low, high] = [least(of("frames")), largest(of("frames"))];
  const frames = distinct(geometric(low, high, 4 * most.frames).map(rint))
    .filter((t) => t >= low && t <= high);
  const tokens = of("tokens_per_frame");
  const first = Math.ceil(Math.sqrt(least(tokens)));
  const last = Math.min(Math.floor(Math.sqrt(largest(tokens))), first + 1e4);
  const squares = [];
  for (let side = first; side <= last; side++) squares.push(side ** 2);
  return {
    lm_params: spread(of("lm_params"), most.lm_params),
    frames: spread(frames.length > 1 ? frames : [median(of("frames"))], most.frames),
    tokens_per_frame: spread(squares.length > 1 ? squares : [median(tokens)], most.tokens_per_frame),
  };
}

// The space with the LM sizes, frames and square grids that were asked for.
function widen(space, { lm_params: sizes, max_frames: frames, max_tokens: tokens }, whole) {
  const wider = { ...space };
  if (sizes?.length) wider.lm_params = distinct(sizes);
  const steps = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
  if (frames)
    wider.frames = spread(steps(Math.min(Math.ceil(space.frames[0]), frames), frames), whole).map(rint);
  if (tokens) {
    const last = Math.floor(Math.sqrt(tokens));
    const first = Math.min(Math.ceil(Math.sqrt(space.tokens_per_frame[0])), last);
    wider.tokens_per_frame = steps(first, last).map((side) => side ** 2);
  }
  return wider;
}

// The designs that were run, with the costs that the table gives them.
function candidatesOf(rows, factors) {
  const keys = [...FACTORS, ...factors];
  const groups = groupBy(rows, keys).map((g) => ({
    ...Object.fromEntries(keys.map((f) => [f, g[0][f]])),
    cost_flops: mean(g.map((row) => row.cost_flops)),
  }));
  const order = (a, b) => keys.reduce((found, f) => found || a[f] - b[f], 0);
  const values = Object.fromEntries(FACTORS.map((f) => [f, distinct(groups.map((d) => d[f]))]));
  return { candidates: groups.sort(order), ...values };
}

// ---- what was chosen, in sentences -------------------------------------------------------------

function sayHeld(factor, level, names) {
  const shown = sayLevel(level);
  if (factor === EXAMPLES)
    return `Every run was finetuned on ${shown} examples: laws leave n out, and answers hold for ` +
      "that training set; how they move with more data cannot be told.";
  return `${sayName(names, factor)} never moves: laws leave it out, and answers hold it at ${shown}.`;
}

function sayPrice(price, rows, moved, rules) {
  const said = [];
  if (price.name === "paper") {
    const { params, features_per_frame: features } = price.tower;
    const isPapers = params === rules.tower.params && features === rules.tower.features_per_frame;
    const own = isPapers ? " (the paper's: name your own)" : "";
    said.push(`Costs follow Equation 1 with an encoder of ${sayLevel(params)} parameters and ` +
      `${general(features)} features per frame${own}.`);
    const shares = rows.map((row) => {
      const vision = 2 * params * features;
      return vision / (vision + 2 * row.lm_params * row.tokens_per_frame);
    });
    if (least(shares) > rules.forgotten)
      said.push(`That encoder takes at least ${Math.floor(100 * least(shares))}% of the price of ` +
        "every run, so the LM is nearly free here: is it yours?");
  } else
    said.push(`Costs count ${price.exact ? "every matrix product" : "the language model alone"}.`);
  return [...said, ...moved.map((f) =>
    `The cost does not read ${f}: its levels are compared as if they cost the same.`
  )];
}

function saySpace({ lm_params: sizes, frames, tokens_per_frame: tokens }) {
  const range = (values) =>
    values.length === 1 ? general(values[0]) : `${general(values[0])} to ${general(values.at(-1))}`;
  return `Designs to choose from: LMs of ${sizes.map(sayLevel).join(", ")}; ` +
    `${range(frames)} frames; ${range(tokens)} tokens per frame.`;
}

// How often the larger of two runs has the larger error, and among how many pairs.
function largerIsWorse(rows, factors, most) {
  const step = Math.ceil(rows.length / most);
  const thinned = rows.filter((_, i) => i % step === 0);
  let [worse, pairs] = [0, 0];
  for (const part of groupBy(thinned, ["task"]))
    for (const a of part)
      for (const b of part) {
        if (!factors.every((f) => a[f] >= b[f]) || factors.every((f) => a[f] === b[f])) continue;
        worse += (Math.sign(a.error - b.error) + 1) / 2;
        pairs++;
      }
  return { share: pairs ? worse / pairs : 0.5, pairs };
}

function suspicions(rows, factors, unit, rules) {
  const moving = [...FACTORS, ...factors, EXAMPLES].filter((f) => new Set(rows.map((r) => r[f])).size > 1);
  const { share, pairs } = largerIsWorse(rows, moving, rules.sanity.most_rows);
  if (!moving.length || pairs < rules.sanity.least_pairs || share < rules.sanity.falls) return [];
  const names = moving.map((f) => sayName(rules.factor_names, f)).join(", ");
  const where = `in ${rint(100 * share)}% of the pairs of runs in which one has as much or more of ` +
    `${names}, `;
  if (unit === "points")
    return [`The metric falls as the design grows: ${where}the larger run has the lower metric. ` +
      "Is it a loss? Then name the column `loss` (or `error`), of which smaller is better."];
  return [`The ${unit} grows with the design: ${where}the larger run has the larger ${unit}. ` +
    "Is it a score? Then name the column `metric` and give it on the 0-100 scale."];
}

// ---- the road ----------------------------------------------------------------------------------

// A prepared table from the bytes of a CSV. choices: {task, factors, cost ("table", "paper",
// "lm_only", "exact" or none), tower, lm_params, max_frames, max_tokens, label}.
export function prepare(bytes, name, choices, data) {
  const { rules } = data;
  const factors = choices.factors ?? [];
  const checked = checkRuns(readCsv(bytes, name, rules), name, factors, rules);
  const chosen = chooseTask(checked.rows, name, choices.task, factors, rules);
  const notes = [...chosen.said, ...suspicions(chosen.rows, factors, checked.unit, rules)];
  const runs = mergeRepeats(chosen.rows, factors);
  if (runs.length < chosen.rows.length)
    notes.push(`${chosen.rows.length} runs are of ${runs.length} designs and training-set sizes: ` +
      "repeats count once, by their mean.");
  const held = {};
  for (const f of [...FACTORS, ...factors, EXAMPLES])
    if (new Set(runs.map((row) => row[f])).size === 1) held[f] = runs[0][f];
  notes.push(...Object.entries(held).map(([f, level]) => sayHeld(f, level, rules.factor_names)));
  const moved = [...FACTORS, ...factors].filter((f) => !(f in held));
  const source = data.sources.find((s) => s.name === choices.source);
  const ownCost = checked.hasCost && !choices.tower && [undefined, "", "table"].includes(choices.cost);
  let [price, space] = [null, null];
  if (ownCost) {
    space = candidatesOf(runs, factors);
    if (choices.lm_params?.length || choices.max_frames || choices.max_tokens)
      throw new RunsError(`${name}: ${rules.messages.own_cost}`);
    notes.push("Costs are the table's own column cost_flops: designs that were run, and no " +
      "others, are chosen from.");
  } else {
    price = choosePrice(choices.cost, choices.tower, source, rules);
    space = { ...spaceWithin(runs, rules.most_levels), ...(source?.space ?? {}) };
    space = widen(space, choices, rules.most_frames);
    if (price.name === "exact") {
      const sizes = [...runs.map((row) => row.lm_params), ...space.lm_params];
      price.exact = new Map(distinct(sizes).map((size) => [size, exactTerms(size, rules)]));
    }
    notes.push(...sayPrice(price, runs, factors.filter((f) => !(f in held)), rules), saySpace(space));
  }
  return { runs, checked: chosen.rows, name, task: chosen.task, unit: checked.unit, further: factors,
    factors: moved, data: EXAMPLES in held ? null : EXAMPLES, held, price, space, notes,
    most: { flops: rules.limit, examples: rules.most_examples } };
}

// FLOPs per video of every run.
export const runCosts = ({ runs, price }) =>
  runs.map((row) => (price ? priceOf(price, row) : row.cost_flops));
