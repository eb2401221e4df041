// The frontier of a mix of laws, in the browser: what vvlm_utils/frontier/solver.py does, on the data that
// vvlm_utils/site/allocator.py writes. Pure functions of the data and a question; no page in here.
//
// question: {task, cost, sizes: [LM sizes], examples: n, level, epsilon}, or with candidates in place
//   of cost and sizes: designs that are listed with a cost of their own, cost_flops in any unit
// FLOPs and counts are plain numbers; errors are points.
"use strict";

const vvlmAllocator = (() => {
  const FACTORS = ["lm_params", "frames", "tokens_per_frame"];

  // ---- the law -------------------------------------------------------------------------------

  const logUnits = (data, factor, value) => Math.log(value / (data.units[factor] ?? 1));

  // Tables of the terms that involve one factor, {tables: factors x values x members, root, floor}:
  // an error is the sum of three entries to the power root, plus floor. The power is 1 in a sum and
  // 1/p in a p-norm, whose terms stand in the tables as p-th powers.
  function factorTables(data, task, space, examples) {
    const { parts } = data.bags[task];
    const count = parts.reduce((sum, { members }) => sum + members.length, 0);
    const logN = logUnits(data, "train_examples", examples);
    const logs = FACTORS.map((factor) => space[factor].map((v) => logUnits(data, factor, v)));
    const tables = logs.map((values) => values.map(() => new Float64Array(count)));
    const [root, floor] = [new Float64Array(count).fill(1), new Float64Array(count)];
    let m = 0;
    for (const { law, members } of parts) {
      const { terms, norm } = data.laws[law];
      for (const member of members) {
        const p = norm === null ? 1 : Math.exp(member[norm]);
        root[m] = 1 / p;
        for (const { coefficient, powers, apart } of terms) {
          if (norm !== null && apart) {
            floor[m] += member[coefficient];
            continue;
          }
          const home = Math.max(0, FACTORS.findIndex((f) => powers.some(([g]) => f === g)));
          let [fixed, power] = [0, 0]; // the term is coefficient * exp(fixed + power * log z)
          for (const [f, place, sign] of powers)
            if (f === FACTORS[home]) power += sign * member[place];
            else fixed += sign * member[place] * logN;
          const share = member[coefficient] ** p;
          logs[home].forEach((log, v) => {
            tables[home][v][m] += share * Math.exp(p * (fixed + power * log));
          });
        }
        m++;
      }
    }
    return { tables, root, floor };
  }

  // Every member's error where the three factors have these rows of the tables.
  function joinRows([lm, frames, tokens], { root, floor }, into) {
    for (let m = 0; m < into.length; m++) {
      const sum = lm[m] + frames[m] + tokens[m];
      into[m] = root[m] === 1 ? sum : sum ** root[m] + floor[m];
    }
    return into;
  }

  // Every member's error at one design, on the grid of the space or off it.
  function memberErrors(data, task, design, examples) {
    const alone = Object.fromEntries(FACTORS.map((factor) => [factor, [design[factor]]]));
    const found = factorTables(data, task, alone, examples);
    const rows = found.tables.map(([only]) => only);
    return joinRows(rows, found, new Float64Array(rows[0].length));
  }

  // ---- cost ----------------------------------------------------------------------------------

  // FLOPs of one video, by the terms of an LM size.
  function costOf([fixed, perFrame, perToken, perPair], frames, tokensPerFrame) {
    const tokens = frames * tokensPerFrame;
    return fixed + frames * perFrame + tokens * perToken + tokens * tokens * perPair;
  }

  // What one has for a video as FLOPs: TFLOPs themselves, or seconds on devices that share the work,
  // or dollars for a million videos at a device's price per hour, where a share of the peak is reached.
  function budgetFlops(data, { amount, unit, device, devices, utilisation, price }) {
    if (unit === "tflops") return 1e12 * amount;
    const seconds = unit === "dollars" ? ((amount / 1e6) * 3600) / (price * devices) : amount;
    return seconds * utilisation * devices * data.accelerators[device];
  }

  const ascending = (values) => [...new Set(values)].sort((a, b) => a - b);

  // The values of each factor among the designs to choose from.
  function spaceOf(data, { sizes, candidates }) {
    if (!candidates) return { ...data.space, lm_params: ascending(sizes) };
    return Object.fromEntries(
      FACTORS.map((factor) => [factor, ascending(candidates.map((design) => design[factor]))])
    );
  }

  // Listed designs that the largest budget buys, as `affordable` gives those of a space.
  function listed(candidates, space, largest) {
    const places = FACTORS.map((f) => new Map(space[f].map((value, place) => [value, place])));
    const designs = candidates
      .filter((design) => design.cost_flops <= largest)
      .map((design) => ({ ...design, at: FACTORS.map((f, i) => places[i].get(design[f])) }))
      .sort((a, b) => a.cost_flops - b.cost_flops); // stable
    return { designs, cheapest: Math.min(...candidates.map((design) => design.cost_flops)) };
  }

  // All designs that the largest budget buys, cheapest first; among equals the space's order.
  function affordable(data, question, space, largest) {
    if (question.candidates) return listed(question.candidates, space, largest);
    const found = [];
    let cheapest = Infinity;
    space.lm_params.forEach((lm_params, i) => {
      const terms = data.costs[question.cost][lm_params];
      space.frames.forEach((frames, j) =>
        space.tokens_per_frame.forEach((tokens_per_frame, k) => {
          const cost_flops = costOf(terms, frames, tokens_per_frame);
          if (cost_flops < cheapest) cheapest = cost_flops;
          if (cost_flops > largest) return;
          found.push({ lm_params, frames, tokens_per_frame, at: [i, j, k], cost_flops });
        })
      );
    });
    found.sort((a, b) => a.cost_flops - b.cost_flops); // stable
    return { designs: found, cheapest };
  }

  // ---- statistics ----------------------------------------------------------------------------

  // Quantiles of sorted values. By linear interpolation between them, as numpy's default:
  function quantile(sorted, q) {
    const place = q * (sorted.length - 1);
    const low = Math.floor(place);
    const high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
  }

  // The inverse of the empirical distribution: always one of the values.
  const observedQuantile = (sorted, q) => sorted[Math.max(0, Math.ceil(sorted.length * q - 1))];

  const inOrder = (values) => Float64Array.from(values).sort();
  const median = (values) => quantile(inOrder(values), 0.5);
  const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const tails = (level) => [(1 - level) / 2, (1 + level) / 2];
  const share = (values, holds) => values.reduce((sum, v) => sum + holds(v), 0) / values.length;

  // ---- the frontier --------------------------------------------------------------------------

  // Walk the designs from the cheapest up, keeping the bag's best and each member's own; stop at
  // every budget that buys a design, in ascending order, and note them.
  // Returns {cheapest: its cost, designs, bag: errors, errorsAt: members' errors, stops}.
  function walk(data, question, budgets) {
    const space = spaceOf(data, question);
    const { designs, cheapest } = affordable(data, question, space, Math.max(...budgets));
    const sorted = budgets.filter((budget) => budget >= cheapest).sort((a, b) => a - b);
    const found = factorTables(data, question.task, space, question.examples);
    const [overLm, overFrames, overTokens] = found.tables;
    const members = found.root.length;
    const errorsAt = ({ at: [i, j, k] }, into = new Float64Array(members)) =>
      joinRows([overLm[i], overFrames[j], overTokens[k]], found, into);
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
      while (design.cost_flops > sorted[stops.length]) stop(sorted[stops.length], d - 1);
      errorsAt(design, errors);
      const limit = d ? bag[chosen] + question.epsilon : Infinity;
      let beyond = 0;
      for (let m = 0; m < members; m++) {
        if (errors[m] < ownError[m]) {
          ownError[m] = errors[m];
          own[m] = d;
        }
        if (errors[m] > limit) beyond++;
      }
      if (data.aggregate === "mean") bag[d] = mean(errors);
      else {
        if (beyond >= members - middle[0]) return; // the median is beyond the limit, now and later
        errors.sort();
        bag[d] = (errors[middle[0]] + errors[middle[1]]) / 2;
      }
      if (bag[d] < bag[chosen]) chosen = d;
    });
    while (stops.length < sorted.length) stop(sorted[stops.length], designs.length - 1);
    return { cheapest, designs, bag, errorsAt, stops, sizes: space.lm_params };
  }

  // The row of one budget, with the names of solve_frontier's columns, and the votes by LM size.
  function row(data, question, walked, stop) {
    const [low, high] = tails(question.level);
    const design = walked.designs[stop.chosen];
    const here = walked.errorsAt(design);
    const own = Array.from(stop.own, (d) => walked.designs[d]);
    const error = walked.bag[stop.chosen];
    const errors = inOrder(here);
    const regret = inOrder(here.map((e, m) => e - stop.ownError[m]));
    const votes = Object.fromEntries(
      walked.sizes.map((size) => [size, share(own, (d) => d.lm_params === size)])
    );
    const range = (factor) => {
      const values = inOrder(own.map((d) => d[factor]));
      return [low, high].map((q) => observedQuantile(values, q));
    };
    let within = 0;
    for (let d = 0; d <= stop.last; d++) within += walked.bag[d] <= error + question.epsilon;
    return {
      budget_flops: stop.budget, ...design, error,
      error_low: quantile(errors, low), error_high: quantile(errors, high),
      probability: votes[design.lm_params], votes,
      lm_params_range: range("lm_params"),
      frames_range: range("frames"),
      tokens_range: range("tokens_per_frame"),
      within_epsilon: within,
      regret: quantile(regret, 0.5), regret_high: quantile(regret, high),
      outside: outside(data, question, design),
    };
  }

  // The factors in which a design or n lies outside the runs of the bag.
  function outside(data, question, design) {
    const at = { ...design, train_examples: question.examples };
    return Object.entries(data.bags[question.task].ranges)
      .filter(([f, [low, high]]) => at[f] < low * (1 - 1e-9) || at[f] > high * (1 + 1e-9))
      .map(([factor]) => factor);
  }

  // Designs predicted within epsilon of the best, best first; votes: the share of the members for
  // which a design is within epsilon of their own best.
  function nearOptimal(question, walked, stop) {
    const { epsilon } = question;
    const best = walked.bag[stop.chosen];
    return walked.designs
      .slice(0, stop.last + 1)
      .map((design, d) => ({ ...design, error: walked.bag[d], excess: walked.bag[d] - best }))
      .filter((design) => design.error <= best + epsilon)
      .map((design) => {
        const near = walked.errorsAt(design).map((e, m) => e <= stop.ownError[m] + epsilon);
        return { ...design, votes: share(near, (v) => v) };
      })
      .sort((a, b) => a.error - b.error || a.cost_flops - b.cost_flops);
  }

  // What one frame more, and the next square grid of tokens, remove from the error: points, with
  // the band of the members, and the FLOPs that the step adds.
  function gains(data, question, design) {
    const [low, high] = tails(question.level);
    const errors = (at) => memberErrors(data, question.task, at, question.examples);
    const flops = (at) =>
      costOf(data.costs[question.cost][at.lm_params], at.frames, at.tokens_per_frame);
    const aggregate = data.aggregate === "mean" ? mean : median;
    const here = errors(design);
    const steps = {
      frames: { ...design, frames: design.frames + 1 },
      tokens_per_frame: {
        ...design, tokens_per_frame: (Math.round(Math.sqrt(design.tokens_per_frame)) + 1) ** 2,
      },
    };
    return Object.entries(steps).map(([change, moved]) => {
      const there = errors(moved);
      const removed = inOrder(here.map((e, m) => e - there[m]));
      return {
        change, design: moved, added_flops: flops(moved) - design.cost_flops,
        value: aggregate(here) - aggregate(there),
        low: quantile(removed, low), high: quantile(removed, high),
      };
    });
  }

  // What the page says of one budget, or {refused: the cheapest design's cost} when it buys none.
  function answer(data, question, budget) {
    const walked = walk(data, question, [budget]);
    const [stop] = walked.stops;
    if (!stop) return { refused: walked.cheapest };
    const best = row(data, question, walked, stop);
    const near = nearOptimal(question, walked, stop);
    return { best, near, gains: question.candidates ? [] : gains(data, question, best) };
  }

  // The rows of many budgets, ascending, without those that buy no design.
  function curve(data, question, budgets) {
    const walked = walk(data, question, budgets);
    return walked.stops.map((stop) => row(data, question, walked, stop));
  }

  return { answer, budgetFlops, curve };
})();
