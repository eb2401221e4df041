// Which runs to do next: vvlm_utils/advice/next_runs.py, where the method is explained. A root is an
// array of columns, each the members' deviations of one log error; a column's part in the members'
// covariance K = T T' of all targets is all that its gain asks for, so K meets every candidate once.
import { RunsError } from "./csv.js";
import { factorTables, joinTables, listDesigns, outside, quantile, walk } from "./solver.js";
import { EXAMPLES, FACTORS } from "./table.js";
import { dot, largest, least, rint, runCosts, spread } from "./prepare.js";
import { general } from "./text.js";

const PASSES = 3; // training takes 6 FLOPs where inference takes 2
const SLACK = 1e-9;

// What finetuning every run of a table took.
export const trainingFlops = (prepared) =>
  runCosts(prepared).reduce((sum, flops, i) => sum + PASSES * flops * prepared.runs[i][EXAMPLES], 0);

// The members' values about their mean, their tails clipped, scaled to a root of the covariance.
function deviations(values, tail) {
  const sorted = Float64Array.from(values).sort();
  const [low, high] = [quantile(sorted, tail), quantile(sorted, 1 - tail)];
  const clipped = values.map((v) => Math.min(Math.max(v, low), high));
  const middle = clipped.reduce((a, b) => a + b, 0) / clipped.length;
  return clipped.map((v) => (v - middle) / Math.sqrt(clipped.length - 1));
}

// Covariance over the members, summed over the targets: every member's best design against the
// bag's, at every budget.
function targetCovariance(walked, tail) {
  const members = walked.stops[0].own.length;
  const seen = new Map();
  const logOf = (d) => {
    if (!seen.has(d)) seen.set(d, walked.errorsAt(walked.designs[d]).map(Math.log));
    return seen.get(d);
  };
  const pairs = new Map(); // how often each pair of designs is a target
  for (const { chosen, own } of walked.stops)
    for (const d of own)
      if (d !== chosen) pairs.set(`${d} ${chosen}`, (pairs.get(`${d} ${chosen}`) ?? 0) + 1);
  const covariance = new Float64Array(members * members);
  for (const [pair, count] of pairs) {
    const [own, chosen] = pair.split(" ").map((d) => logOf(Number(d)));
    const column = deviations(own.map((v, m) => v - chosen[m]), tail);
    for (let a = 0; a < members; a++)
      for (let b = 0, at = a * members, v = count * column[a]; b < members; b++)
        covariance[at + b] += v * column[b];
  }
  return covariance;
}

// SD of a run's log error about the model: a mix knows its own, and a bag's losses tell it.
function residualNoise(model, rows) {
  if (model.mixed) return model.noise;
  const { law, losses, atBounds } = model.parts[0];
  const bound = law.parameters.reduce((sum, name) => sum + atBounds[name], 0);
  const spare = rows - law.parameters.length + bound;
  const loss = quantile(Float64Array.from(losses).sort(), 0.5);
  if (spare < 1 || loss <= 0)
    throw new RunsError(`${rows} runs leave no residual to tell the noise; give the noise`);
  return Math.sqrt(((loss / spare) * rows) / spare);
}

// Designs that could be run and served, each at some training-set sizes: {design, error of members}.
function candidatesOf(model, prepared, space, asked, { values, shares, inside }) {
  const few = space.candidates ? space
    : { ...space, frames: spread(space.frames, values),
        tokens_per_frame: spread(space.tokens_per_frame, values) };
  const most = largest(asked.budgets);
  const served = listDesigns(few, prepared.price).filter((d) => d.cost_flops <= most);
  if (!served.length) {
    const cheapest = least(listDesigns(few, prepared.price).map((d) => d.cost_flops));
    throw new RunsError(`the largest budget buys no candidate: the cheapest costs ` +
      `${(cheapest / 1e12).toPrecision(3)} TFLOPs`);
  }
  const sizes = prepared.data ? shares.map((share) => rint(share * asked.examples)) : [prepared.held[EXAMPLES]];
  const lows = inside.map((f) => [f, least(prepared.runs.map((row) => row[f])) * (1 - SLACK)]);
  return sizes.flatMap((n) => {
    const tables = factorTables(model, few, n);
    const members = tables.root.length;
    return served.map(({ at, ...design }) => ({ ...design, [EXAMPLES]: n, at }))
      .filter((design) => lows.every(([f, low]) => design[f] >= low))
      .map((design) => ({ design, errors: () => joinTables(tables, design.at, new Float64Array(members)) }));
  });
}

// What is left of the roots once a run at `column` was seen: I - shrink column column' from the left.
const shrinkOf = (column, noise) => {
  const variance = dot(column, column);
  return variance ? (1 - noise / Math.sqrt(variance + noise ** 2)) / variance : 0;
};

function subtract(from, share, column) {
  for (let m = 0; m < from.length; m++) from[m] -= share * column[m];
}

// Runs to do next for `asked.train_flops`, at most `asked.most`, the one with the largest gain per
// training FLOP first: rows of a design with cost_flops, train_flops, gain, left, outside.
// model and space: as held at asked.at
export function nextRuns(model, space, prepared, asked, rules) {
  const question = { space, price: prepared.price, examples: asked.examples, epsilon: 0,
    budgets: asked.budgets };
  const noise = residualNoise(model, prepared.runs.length);
  const keys = [...FACTORS, EXAMPLES];
  const here = prepared.runs.filter((row) =>
    Object.entries(asked.at ?? {}).every(([f, level]) => row[f] === level)
  );
  const done = new Set(here.map((row) => JSON.stringify(keys.map((f) => row[f]))));
  const every = candidatesOf(model, prepared, space, asked, rules)
    .filter(({ design }) => !done.has(JSON.stringify(keys.map((f) => design[f]))))
    .map((each) => ({ ...each, price: PASSES * each.design.cost_flops * each.design[EXAMPLES] }));
  const pool = every.filter(({ price }) => price <= asked.train_flops);
  if (!pool.length)
    throw new RunsError(`${general(asked.train_flops, 4)} training FLOPs buy none of the candidates: ` +
      (every.length ? `the cheapest costs ${general(least(every.map((e) => e.price)), 4)}` : "all are done"));
  const covariance = targetCovariance(walk(model, question), rules.tail);
  const members = Math.sqrt(covariance.length);
  let start = 0;
  for (let m = 0; m < members; m++) start += covariance[m * members + m];
  if (!(start > 1e-24))
    throw new RunsError(`the ${members} members agree on every best design, so no run can sharpen ` +
      "the choice; ask more budgets or more refits");
  for (const each of pool) {
    each.seen = deviations(each.errors().map(Math.log), rules.tail);
    each.covers = new Float64Array(members); // K seen
    for (let m = 0; m < members; m++)
      each.covers[m] = dot(covariance.subarray(m * members, (m + 1) * members), each.seen);
  }
  const picked = [];
  let [spent, left] = [0, 1];
  while (picked.length < asked.most) {
    let best = null;
    for (const each of pool) {
      each.gain = dot(each.seen, each.covers) / (dot(each.seen, each.seen) + noise ** 2) / start;
      const can = !each.isPicked && spent + each.price <= asked.train_flops && each.gain > 0;
      if (can && (!best || each.gain / each.price > best.gain / best.price)) best = each;
    }
    if (!best) break;
    best.isPicked = true;
    [spent, left] = [spent + best.price, left - best.gain];
    const { at, ...design } = best.design;
    picked.push({ ...design, train_flops: best.price, gain: best.gain, cumulative_flops: spent, left,
      outside: outside(model, design) });
    const [column, covers] = [best.seen.slice(), best.covers.slice()];
    const shrink = shrinkOf(column, noise);
    const twice = 2 * shrink - shrink ** 2 * dot(column, column); // of the square of what is left
    for (const { seen, covers: own } of pool) {
      const along = dot(column, seen);
      subtract(own, twice * along, covers);
      subtract(own, shrink * dot(column, own), column);
      subtract(seen, shrink * along, column);
    }
  }
  return picked;
}
