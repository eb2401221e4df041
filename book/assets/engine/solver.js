// The best design at each budget, and how sure that is: vvlm_utils/frontier/{space,solver}.py.
//
// A design is an object of its factors and cost_flops. A term that involves one factor of a grid is
// a table over that factor's values, so thousands of designs cost a few hundred powers per member.
import { RunsError } from "./csv.js";
import { holdFactors } from "./law.js";
import { EXAMPLES, FACTORS } from "./table.js";
import { distinct, groupBy, largest, least, priceOf, runCosts } from "./prepare.js";
import { general, grouped } from "./text.js";

// ---- statistics --------------------------------------------------------------------------------

// Quantiles of sorted values: by linear interpolation between them, as numpy's default, ...
export function quantile(sorted, q) {
  const place = q * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}

// ... and by the inverse of the empirical distribution, which is always one of the values.
const observedQuantile = (sorted, q) => sorted[Math.max(0, Math.ceil(sorted.length * q - 1))];

const inOrder = (values) => Float64Array.from(values).sort();

// ---- errors over a space -----------------------------------------------------------------------

// The terms of a law with places in theta: a term stands in the table of the factor that it reads,
// or is a product over the three.
function placedTerms({ terms, parameters, norm }) {
  return terms.map(({ coefficient, powers, apart }) => {
    const placed = (factor) => powers.filter((q) => q.factor === factor)
      .map((q) => [parameters.indexOf(q.exponent), q.sign]);
    const moving = FACTORS.map(placed);
    const read = moving.flatMap((own, i) => (own.length ? [i] : []));
    return { place: parameters.indexOf(coefficient), floor: Boolean(norm) && apart,
      homes: read.length ? read : [0], fixed: placed(EXAMPLES), moving };
  });
}

// Tables of a mix over the values of a space, {tables: factors x values x members, root, floor,
// products}: an error is the sum of three entries, and of products of three, to the power root, plus
// floor. The power is 1 in a sum and 1/p in a p-norm, whose terms stand in as p-th powers.
export function factorTables({ parts, units }, space, examples) {
  const count = parts.reduce((sum, { members }) => sum + members.length, 0);
  const logOf = (factor, value) => Math.log(value / (units[factor] ?? 1));
  const logN = logOf(EXAMPLES, examples);
  const logs = FACTORS.map((f) => space[f].map((v) => logOf(f, v)));
  const makeTables = (start) => logs.map((values) => values.map(() => new Float64Array(count).fill(start)));
  const tables = makeTables(0);
  const products = [];
  const [root, floor] = [new Float64Array(count).fill(1), new Float64Array(count)];
  let m = 0;
  for (const { law, members } of parts) {
    const terms = placedTerms(law).map((term) => {
      if (term.homes.length < 2) return term;
      const own = makeTables(1);
      own[term.homes[0]].forEach((row) => row.fill(0)); // the members of other laws
      products.push(own);
      return { ...term, own };
    });
    for (const theta of members) {
      const p = law.norm ? Math.exp(theta[theta.length - 1]) : 1;
      root[m] = 1 / p;
      for (const term of terms) {
        const value = theta[term.place];
        if (term.floor) {
          floor[m] += value;
          continue;
        }
        let fixed = 0; // the term is value * exp(fixed + power * log z)
        for (const [k, sign] of term.fixed) fixed += sign * theta[k] * logN;
        term.homes.forEach((home, place) => {
          let power = 0;
          for (const [k, sign] of term.moving[home]) power += sign * theta[k];
          const [share, start] = place ? [1, 0] : [value ** p, fixed];
          logs[home].forEach((log, v) => {
            const part = share * Math.exp(p * (start + power * log));
            if (!term.own) tables[home][v][m] += part;
            else term.own[home][v][m] = part;
          });
        });
      }
      m++;
    }
  }
  return { tables, root, floor, products };
}

// Every member's error where the three factors have the values at these places.
export function joinTables({ tables, root, floor, products }, [i, j, k], into) {
  const [lm, frames, tokens] = [tables[0][i], tables[1][j], tables[2][k]];
  for (let m = 0; m < into.length; m++) into[m] = lm[m] + frames[m] + tokens[m];
  for (const [first, second, third] of products)
    for (let m = 0; m < into.length; m++) into[m] += first[i][m] * second[j][m] * third[k][m];
  for (let m = 0; m < into.length; m++)
    if (root[m] !== 1) into[m] = into[m] ** root[m] + floor[m];
  return into;
}

// The values of each factor among listed designs.
export const valuesOf = (candidates) =>
  Object.fromEntries(FACTORS.map((f) => [f, distinct(candidates.map((design) => design[f]))]));

// All designs of a space with their costs and places, in the space's order. price is a price of
// `prepare`, or a function of a design.
export function listDesigns(space, price) {
  if (space.candidates) {
    const places = FACTORS.map((f) => new Map(space[f].map((value, place) => [value, place])));
    return space.candidates.map((design) =>
      ({ ...design, at: FACTORS.map((f, i) => places[i].get(design[f])) })
    );
  }
  const costOf = typeof price === "function" ? price : (design) => priceOf(price, design);
  return space.lm_params.flatMap((lm_params, i) =>
    space.frames.flatMap((frames, j) =>
      space.tokens_per_frame.map((tokens_per_frame, k) => {
        const design = { lm_params, frames, tokens_per_frame };
        return { ...design, at: [i, j, k], cost_flops: costOf(design) };
      })
    )
  );
}

// Those that a budget buys, cheapest first, among equals in the space's order.
export function affordable(space, price, most) {
  const all = listDesigns(space, price);
  const designs = all.filter((design) => design.cost_flops <= most)
    .sort((a, b) => a.cost_flops - b.cost_flops); // stable
  return { designs, cheapest: least(all.map((design) => design.cost_flops)) };
}

// ---- the frontier ------------------------------------------------------------------------------

// The model with its further factors held, and the designs of those levels.
export function atLevels(model, prepared, levels) {
  if (!Object.keys(levels).length) return { model, space: prepared.space };
  const parts = model.parts.map((part) => {
    const known = Object.fromEntries(Object.entries(levels).filter(([f]) => part.law.factors.includes(f)));
    return { ...part, ...holdFactors(part.law, part.members, known, model.units) };
  });
  const { space } = prepared;
  if (!space.candidates) return { model: { ...model, parts }, space };
  const here = space.candidates.filter((d) => Object.entries(levels).every(([f, v]) => d[f] === v));
  return { model: { ...model, parts }, space: { candidates: here, ...valuesOf(here) } };
}

// Walk the designs from the cheapest up, keeping the bag's best and each member's own, and stop at
// every budget, in ascending order. question: {space, price, examples, epsilon, budgets}; bought: what
// `affordable` gives for the largest budget, where it is known.
export function walk(model, question, bought) {
  const { space, price, examples, epsilon } = question;
  const { designs, cheapest } = bought ?? affordable(space, price, largest(question.budgets));
  const budgets = question.budgets.filter((b) => b >= cheapest).sort((a, b) => a - b);
  const found = factorTables(model, space, examples);
  const members = found.root.length;
  const errorsAt = ({ at }, into = new Float64Array(members)) => joinTables(found, at, into);
  const bag = new Float64Array(designs.length).fill(Infinity);
  const ownError = new Float64Array(members).fill(Infinity);
  const own = new Int32Array(members);
  const errors = new Float64Array(members);
  const middle = [(members - 1) >> 1, members >> 1];
  const stops = [];
  let chosen = 0;
  const stop = (budget, last) =>
    stops.push({ budget, last, chosen, own: own.slice(), ownError: ownError.slice() });
  designs.forEach((design, d) => {
    while (design.cost_flops > budgets[stops.length]) stop(budgets[stops.length], d - 1);
    errorsAt(design, errors);
    const limit = d ? bag[chosen] + epsilon : Infinity;
    let beyond = 0;
    for (let m = 0; m < members; m++) {
      if (errors[m] < ownError[m]) {
        ownError[m] = errors[m];
        own[m] = d;
      }
      if (errors[m] > limit) beyond++;
    }
    if (model.aggregate === "mean") bag[d] = errors.reduce((a, b) => a + b) / members;
    else {
      if (beyond >= members - middle[0]) return; // the median is beyond the limit, now and later
      errors.sort();
      bag[d] = (errors[middle[0]] + errors[middle[1]]) / 2;
    }
    if (bag[d] < bag[chosen]) chosen = d;
  });
  while (stops.length < budgets.length) stop(budgets[stops.length], designs.length - 1);
  return { cheapest, designs, bag, errorsAt, stops };
}

// The row of one budget, with the names of the columns of Solution.table, and the votes.
export function frontierRow(model, question, walked, stop) {
  const tails = [(1 - question.level) / 2, (1 + question.level) / 2];
  const most = question.most_error ?? Infinity;
  const { at, ...design } = walked.designs[stop.chosen];
  const here = walked.errorsAt({ at });
  const own = Array.from(stop.own, (d) => walked.designs[d]);
  const error = walked.bag[stop.chosen];
  const errors = inOrder(here);
  const regret = inOrder(here.map((e, m) => e - stop.ownError[m]));
  const votes = Object.fromEntries(question.space.lm_params.map((size) =>
    [size, own.filter((d) => d.lm_params === size).length / own.length]
  ));
  const range = (factor) => {
    const values = inOrder(own.map((d) => d[factor]));
    return tails.map((q) => observedQuantile(values, q));
  };
  const [lmRange, framesRange, tokensRange] = FACTORS.map(range);
  let within = 0;
  for (let d = 0; d <= stop.last; d++) within += walked.bag[d] <= error + question.epsilon;
  return {
    budget_flops: stop.budget, ...design, error: Math.min(error, most),
    error_low: Math.min(quantile(errors, tails[0]), most),
    error_high: Math.min(quantile(errors, tails[1]), most),
    probability: votes[design.lm_params], votes,
    lm_params_low: lmRange[0], lm_params_high: lmRange[1],
    frames_low: framesRange[0], frames_high: framesRange[1],
    tokens_low: tokensRange[0], tokens_high: tokensRange[1],
    within_epsilon: within, regret: quantile(regret, 0.5), regret_high: quantile(regret, tails[1]),
    outside: outside(model, { ...design, [EXAMPLES]: question.examples }),
  };
}

// The factors in which a design or n lies outside the runs.
export function outside({ ranges }, at) {
  return Object.entries(ranges)
    .filter(([f, [low, high]]) => f in at && (at[f] < low * (1 - 1e-9) || at[f] > high * (1 + 1e-9)))
    .map(([factor]) => factor);
}

// Designs predicted within epsilon of a stop's best, best first, with the share of the members for
// which each is within epsilon of their own best.
export function nearOptimal(question, walked, stop) {
  const best = walked.bag[stop.chosen];
  return walked.designs
    .slice(0, stop.last + 1)
    .map((design, d) => ({ design, error: walked.bag[d] }))
    .filter(({ error }) => error <= best + question.epsilon)
    .map(({ design: { at, ...design }, error }) => {
      const here = walked.errorsAt({ at });
      let near = 0;
      for (let m = 0; m < here.length; m++) near += here[m] <= stop.ownError[m] + question.epsilon;
      return { ...design, error, excess: error - best, votes: near / here.length };
    })
    .sort((a, b) => a.error - b.error || a.cost_flops - b.cost_flops);
}

// ---- what a report asks ------------------------------------------------------------------------

// Round numbers (1, 2, 5 times a power of ten) between two budgets, or plain steps.
export function roundBudgets(low, high, most = 6) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const m of [1, 2, 5]) {
      const budget = Number(`${m}e${power}`);
      if (low <= budget && budget <= high) found.push(budget);
    }
  if (found.length < 3) return distinct(stepsBetween(low, high, 4));
  const step = Math.ceil(found.length / most);
  return found.length <= most ? found : found.filter((_, i) => i % step === 0);
}

const stepsBetween = (low, high, count) => Array.from({ length: count }, (_, i) =>
  i === 0 ? low : i === count - 1 ? high : low * (high / low) ** (i / (count - 1))
);

// Budgets for a curve: from the cheapest run that the space can spend to the costliest.
export function curveBudgets(prepared, space, count = 40) {
  const flops = runCosts(prepared);
  const cheapest = affordable(space, prepared.price, -1).cheapest;
  return distinct(stepsBetween(Math.max(least(flops), cheapest), Math.max(largest(flops), cheapest), count));
}

// Error that counts as no difference: the noise of one run, in the table's unit.
export function defaultEpsilon(model, prepared) {
  const errors = inOrder(prepared.runs.map((row) => row.error));
  return (Number.isFinite(model.noise) ? model.noise : 0.002) * quantile(errors, 0.5);
}

// Levels at which further factors that moved are answered, the most frequent first.
export function heldLevels(prepared, most) {
  const own = prepared.further.filter((f) => prepared.factors.includes(f));
  if (!own.length) return [{}];
  const groups = groupBy(prepared.runs, own);
  groups.sort((a, b) => own.reduce((found, f) => found || a[0][f] - b[0][f], b.length - a.length));
  return groups.slice(0, most).map(([row]) => Object.fromEntries(own.map((f) => [f, row[f]])));
}

function checkBounds(budget, examples, most) {
  if (!(examples >= 1 && examples <= most.examples))
    throw new RunsError(`train_examples must be a number from 1 to ${general(most.examples)}, got ` +
      general(examples));
  if (budget >= most.flops)
    throw new RunsError(`a budget must be below ${general(most.flops)} FLOPs ` +
      `(${grouped(most.flops / 1e12)} TFLOPs) per video, got ${general(budget)}`);
}

// Rows, ties and a curve for a question {budgets, examples, level, epsilon, at}; refused: budgets
// that buy no design.
export function ask(fitted, prepared, asked) {
  const { model, space } = atLevels(fitted, prepared, asked.at ?? {});
  if (space.candidates && !space.candidates.length) return { refused: "no run has these levels" };
  checkBounds(largest(asked.budgets), asked.examples, prepared.most);
  const epsilon = asked.epsilon ?? defaultEpsilon(fitted, prepared);
  const question = { space, price: prepared.price, examples: asked.examples, epsilon,
    level: asked.level ?? 0.8, most_error: prepared.unit === "points" ? 100 : Infinity };
  const rowsOf = (budgets) => {
    const own = { ...question, budgets };
    const walked = walk(model, own);
    return { walked, rows: walked.stops.map((stop) => frontierRow(model, own, walked, stop)) };
  };
  const { walked, rows } = rowsOf(asked.budgets);
  const near = walked.stops.map((stop) => nearOptimal(question, walked, stop).slice(0, 12));
  const curve = asked.curve === false ? [] : rowsOf(curveBudgets(prepared, space)).rows;
  return { rows, near, curve, epsilon, level: question.level, cheapest: walked.cheapest,
    lm_params: space.lm_params };
}
