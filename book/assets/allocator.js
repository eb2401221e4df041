// The allocator's answers, by the engine that also serves `your_sweep`, on the data that
// vvlm_utils/site/allocator.py writes. Pure functions of the data and a question; no page in here.
//
// question: {task, cost, sizes: [LM sizes], examples: n, level, epsilon}, or with candidates in place
//   of cost and sizes: designs that are listed with a cost of their own, cost_flops in any unit
// FLOPs and counts are plain numbers; errors are points.
"use strict";

const vvlmAllocator = (() => {
  const engine = vvlmEngine();
  const { costOf, distinct, median, mean, quantile } = engine;

  // The mix of a task, as the engine takes it.
  function modelOf(data, task) {
    const { parts, ranges } = data.bags[task];
    return {
      units: data.units, aggregate: data.aggregate, ranges,
      parts: parts.map(({ law, members }) => ({ law: engine.describe(data.laws[law]), members })),
    };
  }

  // Every member's error at one design, on the grid of the space or off it.
  function memberErrors(model, { lm_params, frames, tokens_per_frame }, examples) {
    const alone = { lm_params: [lm_params], frames: [frames], tokens_per_frame: [tokens_per_frame] };
    const found = engine.factorTables(model, alone, examples);
    return engine.joinTables(found, [0, 0, 0], new Float64Array(found.root.length));
  }

  // ---- cost ----------------------------------------------------------------------------------

  // What one has for a video as FLOPs: TFLOPs themselves, or seconds on devices that share the work,
  // or dollars for a million videos at a device's price per hour, where a share of the peak is reached.
  function budgetFlops(data, { amount, unit, device, devices, utilisation, price }) {
    if (unit === "tflops") return 1e12 * amount;
    const seconds = unit === "dollars" ? ((amount / 1e6) * 3600) / (price * devices) : amount;
    return seconds * utilisation * devices * data.accelerators[device];
  }

  // The question as the engine takes it: the designs to choose from, and the price of one.
  function asked(data, question, budgets) {
    const { sizes, candidates, cost } = question;
    if (candidates)
      return { ...question, budgets, space: { candidates, ...engine.valuesOf(candidates) } };
    const terms = data.costs[cost];
    const price = (d) => costOf(terms[d.lm_params], d.frames, d.tokens_per_frame);
    return { ...question, budgets, price, space: { ...data.space, lm_params: distinct(sizes) } };
  }

  // The engine's row of a budget, with the two ends of a range side by side.
  function row(model, question, walked, stop) {
    const found = engine.frontierRow(model, question, walked, stop);
    const range = (name) => [found[`${name}_low`], found[`${name}_high`]];
    return { ...found, lm_params_range: range("lm_params"), frames_range: range("frames"),
      tokens_range: range("tokens") };
  }

  // What one frame more, and the next square grid of tokens, remove from the error: points, with
  // the band of the members, and the FLOPs that the step adds.
  function gains(data, model, question, design) {
    const [low, high] = [(1 - question.level) / 2, (1 + question.level) / 2];
    const errors = (at) => memberErrors(model, at, question.examples);
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
      const removed = here.map((e, m) => e - there[m]).sort();
      return {
        change, design: moved, added_flops: flops(moved) - design.cost_flops,
        value: aggregate(here) - aggregate(there),
        low: quantile(removed, low), high: quantile(removed, high),
      };
    });
  }

  // What the page says of one budget, or {refused: the cheapest design's cost} when it buys none.
  function answer(data, question, budget) {
    const model = modelOf(data, question.task);
    const own = asked(data, question, [budget]);
    const walked = engine.walk(model, own);
    const [stop] = walked.stops;
    if (!stop) return { refused: walked.cheapest };
    const best = row(model, own, walked, stop);
    const near = engine.nearOptimal(own, walked, stop);
    return { best, near, gains: question.candidates ? [] : gains(data, model, question, best) };
  }

  // The rows of many budgets, ascending, without those that buy no design.
  function curve(data, question, budgets) {
    const model = modelOf(data, question.task);
    const own = asked(data, question, budgets);
    const walked = engine.walk(model, own);
    return walked.stops.map((stop) => row(model, own, walked, stop));
  }

  return { answer, budgetFlops, curve };
})();
