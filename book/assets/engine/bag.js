// Bags of penalised refits to resampled designs, and the recommended mix of them:
// vvlm_utils/laws/{bagging,search,bootstrap,recommendation}.py.
import { changeUnits, DATA, logDesign, predict, spellOut } from "./law.js";
import {
  descend, finish, FitError, fromSearch, logUnits, makeProblem, noiseAbout, parametersSpent, resampled,
  startPoints, whole,
} from "./fit.js";
import { largest, least, median } from "./prepare.js";
import { FACTORS } from "./table.js";
import { general } from "./text.js";

const KEPT = 4; // best solutions of a resample that stay in its search
const SPENT_BY = 20; // members whose count of parameters spent is averaged

// The design of every row, as a number; runs of one design differ in n alone.
export function designsOf(law, rows) {
  const further = law.factors.filter((f) => ![...FACTORS, DATA].includes(f));
  const names = rows.map((row) => [...FACTORS, ...further].map((f) => general(row[f])).join(", "));
  const sorted = [...new Set(names)].sort();
  const place = new Map(sorted.map((name, k) => [name, k]));
  return { which: names.map((name) => place.get(name)), count: sorted.length };
}

const byLoss = (a, b) => a.loss - b.loss;

// Solutions whose losses differ by more than 0.01%, best first.
function distinct(found) {
  const sorted = [...found].sort(byLoss);
  return sorted
    .filter(({ loss }, i) => loss - (i ? sorted[i - 1].loss : 0) > 1e-4 * loss)
    .slice(0, KEPT);
}

// For each resample, the other resamples' winners that fit it best.
function exchange(problem, winners, weights) {
  const { law, logZ, rows, logError } = problem;
  const logs = winners.map((x) => predict(law, fromSearch(problem, x), logZ, rows).map(Math.log));
  return weights.map((weight) => {
    const misfit = logs.map((f) => {
      let sum = 0;
      for (let i = 0; i < rows; i++) sum += weight[i] * f[i] * (f[i] - 2 * logError[i]);
      return sum;
    });
    const order = misfit.map((_, k) => k).sort((a, b) => misfit[a] - misfit[b]);
    return order.slice(1, 2 * KEPT + 1).map((k) => winners[k]);
  });
}

// The optimum of every resample: from the optima of the fit to all runs and a few other starts,
// then from the winners of other resamples. `tell` hears of every resample that a round has done.
function search(problem, weights, means, options, random, tell) {
  const mean = problem.mean.map((_, k) => means.reduce((sum, m) => sum + m[k], 0) / means.length);
  const plain = { ...problem, mean };
  const starts = startPoints(plain, mean, options, random);
  const all = whole(plain);
  const optima = distinct(starts.map((x) => descend(x, all))).map(({ x }) => x);
  const first = [...optima, ...starts.slice(0, KEPT)];
  const parts = weights.map((weight, b) => resampled(problem, weight, means[b]));
  const best = (found) => found.sort(byLoss).slice(0, KEPT);
  const kept = parts.map((part) => {
    tell();
    return best(first.map((x) => descend(x, part)));
  });
  const others = exchange(problem, kept.map(([{ x }]) => x), weights);
  return parts.map((part, b) => {
    tell();
    const [winner] = best([...kept[b], ...others[b].map((x) => descend(x, part))]);
    return finish(winner, part);
  });
}

// Refit a law to resampled designs, each member with prior means of its own.
function bagLaw(law, rows, options, random, count, tell = () => {}) {
  const problem = makeProblem(law, rows, options);
  const { which, count: designs } = designsOf(law, rows);
  const weights = Array.from({ length: count }, () => {
    const drawn = random.evenCounts(designs);
    return Float64Array.from(which, (design) => drawn[design]);
  });
  const means = weights.map(() =>
    Float64Array.from(problem.mean, (m, k) => random.normal(m, problem.sd[k]))
  );
  const every = search(problem, weights, means, options, random, tell);
  const found = every.filter(({ loss }) => loss < Infinity);
  if (!found.length) throw new FitError(`no start of any resample of law '${law.name}' ended finite`);
  const theta = found.map(({ x }) => fromSearch(problem, x));
  const back = logUnits(law, options).map((unit, k) => unit - problem.centre[k]);
  return {
    law, rows: rows.length, failed: every.length - found.length,
    members: theta.map((member) => changeUnits(law, member, back)),
    losses: found.map(({ loss }) => loss),
    noise: noiseOfBag(problem, theta), atBounds: boundShares(problem, theta),
  };
}

function noiseOfBag(problem, theta) {
  const values = theta.map((t) => predict(problem.law, t, problem.logZ, problem.rows));
  const middle = values[0].map((_, i) => median(values.map((v) => v[i])));
  const some = theta.slice(0, SPENT_BY).map((t) => parametersSpent(problem, t));
  return noiseAbout(problem, middle, some.reduce((a, b) => a + b) / some.length);
}

// Share of the members in which a parameter lies at a bound of the box.
function boundShares({ law, low, high }, theta) {
  const touches = (value, k) => {
    const slack = 1e-6 * (1 + Math.abs(value));
    return value <= low[k] + slack || value >= high[k] - slack;
  };
  return Object.fromEntries(law.parameters.map((name, k) =>
    [name, theta.filter((t) => touches(t[k], k)).length / theta.length]
  ));
}

// Every law that a table with these factors can be held to, by name.
export function lawsOver(data, factors, moves) {
  const templates = data.laws[moves ? "with_data" : "without_data"];
  return Object.fromEntries(Object.entries(templates).map(([name, template]) =>
    [name, spellOut(template, factors, moves, data.symbols)]
  ));
}

// The recommended mix for a prepared table: {parts, aggregate, ranges, noise}.
export function recommended(data, prepared, random, members, progress = () => {}) {
  const there = lawsOver(data, prepared.factors, prepared.data);
  const names = [...new Set(data.recommended.map((name) => (name in there ? name : "add")))];
  const each = Math.ceil(members / names.length);
  let done = 0;
  const tell = () => progress(++done / (2 * each * names.length));
  const bags = names.map((name) =>
    bagLaw(there[name], prepared.runs, data.options, random, each, tell)
  );
  const fewest = least(bags.map((bag) => bag.members.length));
  const parts = bags.map((bag) => ({
    ...bag, members: bag.members.slice(0, fewest), losses: bag.losses.slice(0, fewest),
  }));
  return { ...mixOf(data, prepared, parts), mixed: true };
}

// The model of a prepared table: the recommended mix, or a law by its name.
export function fitModel(data, prepared, { law: name, members }, random, progress = () => {}) {
  if (!name) return recommended(data, prepared, random, members ?? data.members, progress);
  const law = findLaw(data, prepared, name);
  const count = members ?? data.law_members;
  let done = 0;
  const bag = bagLaw(law, prepared.runs, data.options, random, count, () => progress(++done / (2 * count)));
  return mixOf(data, prepared, [bag]);
}

export function findLaw(data, prepared, name) {
  const law = lawsOver(data, prepared.factors, prepared.data)[name];
  if (!law) throw new FitError(data.refused_laws[name]);
  return law;
}

// A single fit as a mix of one member, for a first answer.
export const asMix = (data, prepared, { law, theta }) =>
  mixOf(data, prepared, [{ law, members: [theta], noise: NaN }]);

function mixOf(data, prepared, parts) {
  const ranges = {};
  for (const f of [...FACTORS, ...prepared.further, DATA]) {
    const values = prepared.runs.map((row) => row[f]);
    ranges[f] = [least(values), largest(values)];
  }
  const squares = parts.reduce((sum, part) => sum + part.noise ** 2, 0);
  return { parts, aggregate: "median", units: data.options.units, ranges,
    noise: Math.sqrt(squares / parts.length) };
}

// Every member's error at rows of factors, one Float64Array a member.
export function predictMembers({ parts, units }, rows) {
  return parts.flatMap(({ law, members }) => {
    const logs = logDesign(law, rows, law.factors.map((f) => Math.log(units[f] ?? 1)));
    return members.map((theta) => predict(law, theta, logs, rows.length));
  });
}
