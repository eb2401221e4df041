// The allocator's page: takes the question from allocator_form.js, asks allocator.js, and shows the
// answer. Runs once, after the data and the other three scripts.
//
// The first answer is the headline: the design, its error and the band, as text in the document.
// The tables and curves follow when that has been painted. Marks in the page's performance timeline:
// allocator-started, allocator-answered-headline, allocator-answered-whole.
"use strict";

(() => {
  performance.mark("allocator-started");
  const data = window.VVLM_ALLOCATOR;
  const form = vvlmForm.bind(data, document.getElementById("allocator"));
  const status = document.getElementById("allocator-status");
  const result = document.getElementById("allocator-result");
  const { budgetAt, element, number, panel } = vvlmChart;

  const SHOWN = 10; // rows of the table of designs as good
  const CURVE = Array.from({ length: 60 }, (_, i) => 2e12 * 50 ** (i / 59)); // 2 to 100 TFLOPs
  const NAMES = {
    lm_params: "LM size", frames: "frames", tokens_per_frame: "tokens per frame",
    train_examples: "finetuning examples",
  };

  // ---- words -----------------------------------------------------------------------------------

  const points = (x) => Math.min(x, 100).toFixed(2); // no error of a metric passes 100
  const tflops = (flops) => number(flops / 1e12);
  const billions = (size) => `${number(size / 1e9)}B`;
  const percent = (x) => `${Math.round(100 * x)}%`;
  const named = (factors) => factors.map((factor) => NAMES[factor]).join(", ");
  const design = (d) => `${billions(d.lm_params)}, ${d.frames} × ${d.tokens_per_frame}`;
  const range = ([low, high], show = String) =>
    show(low) === show(high) ? show(low) : `${show(low)} to ${show(high)}`;
  const banded = (value, low, high) => `${points(value)} (${range([low, high], points)})`;

  // ---- the answer ------------------------------------------------------------------------------

  function table(caption, head, rows) {
    const line = ([first, ...rest]) => element(
      "tr", {}, element("th", { scope: "row" }, first), ...rest.map((v) => element("td", {}, v))
    );
    const names = head.map((name) => element("th", { scope: "col" }, name));
    return element(
      "div", { class: "allocator-table", tabindex: 0, role: "region", "aria-label": caption },
      element(
        "table", { class: "table" }, element("caption", {}, caption),
        element("thead", {}, element("tr", {}, ...names)),
        element("tbody", {}, ...rows.map(line))
      )
    );
  }

  function headline({ best }, state, budget) {
    const band = range([best.error_low, best.error_high], points);
    return (
      `${billions(best.lm_params)} language model, ${best.frames} frames, ` +
      `${best.tokens_per_frame} tokens per frame. ` +
      `Predicted error ${points(best.error)} points (${state.level}% of the refits: ${band}), ` +
      `for ${tflops(best.cost_flops)} of ${tflops(budget)} TFLOPs per video.`
    );
  }

  function reach({ best }) {
    if (!best.outside.length)
      return element("p", {}, "Every factor lies within the range of the runs.");
    return element(
      "p", { class: "allocator-warning" }, element("strong", {}, "Extrapolation: "),
      `this answer lies outside the runs in ${named(best.outside)}. No run supports it.`
    );
  }

  function votes({ best }, question) {
    const bar = (vote) => element("span", {
      class: "allocator-bar", style: `width: ${14 * vote}em`, "aria-hidden": true,
    });
    const rows = question.sizes.map((size) => {
      const vote = element("span", {}, bar(best.votes[size]), percent(best.votes[size]));
      return [billions(size), vote];
    });
    return table("How sure: refits whose own best has this LM size", ["LM size", "votes"], rows);
  }

  function spread({ best }) {
    return element(
      "p", {},
      `The refits' own best designs take ${range(best.frames_range)} frames of ` +
        `${range(best.tokens_range)} tokens. Held to this answer instead of its own, ` +
        `a refit loses ${points(best.regret)} points at the median.`
    );
  }

  function asGood({ near, best }, state) {
    const rows = near.slice(0, SHOWN).map((d) => [
      design(d), tflops(d.cost_flops), points(d.error), percent(d.votes),
    ]);
    const cut = near.length > SHOWN ? `; the first ${SHOWN}` : "";
    return table(
      `As good, within ${Number(state.epsilon)} points: ${best.within_epsilon} of the designs${cut}`,
      ["LM, frames × tokens", "TFLOPs", "error", "refits that agree"], rows
    );
  }

  function steps({ gains }) {
    const names = { frames: "one frame more", tokens_per_frame: "next grid of tokens" };
    const rows = gains.map((g) => [
      `${names[g.change]}, ${g.design.frames} × ${g.design.tokens_per_frame}`,
      banded(g.value, g.low, g.high), tflops(g.added_flops),
      number((1e12 * g.value) / g.added_flops, 2),
    ]);
    return table(
      "What a step beyond the budget would buy",
      ["step", "points removed", "TFLOPs added", "points per TFLOP"], rows
    );
  }

  function chart(curve, { best }, state) {
    const budget = best.budget_flops / 1e12;
    const factor = (title, color, name, key, unit = 1) => panel(curve, {
      title, color, budget, line: (row) => row[name] / unit,
      low: (row) => row[key][0] / unit, high: (row) => row[key][1] / unit,
    });
    const error = panel(curve, {
      title: "error, points", color: "var(--pst-color-text-base)", budget,
      line: (row) => row.error, low: (row) => row.error_low, high: (row) => row.error_high,
    });
    return element(
      "figure", { class: "allocator-chart" }, error,
      factor("LM size, billions", "#0072b2", "lm_params", "lm_params_range", 1e9),
      factor("frames", "#d55e00", "frames", "frames_range"),
      factor("tokens per frame", "#009e73", "tokens_per_frame", "tokens_range"),
      element(
        "figcaption", {},
        "The best design at each budget, and as a band the central " +
          `${state.level}% of the refits. The dashed line is your budget; ` +
          "click in a panel to move it."
      )
    );
  }

  function folded(summary, content) {
    return element("details", {}, element("summary", {}, summary), content);
  }

  function along(curve) {
    const rows = curve.filter((_, i) => i % 6 === 0).map((row) => [
      tflops(row.budget_flops), design(row), banded(row.error, row.error_low, row.error_high),
      percent(row.probability), named(row.outside) || "nothing",
    ]);
    const head = ["TFLOPs", "LM, frames × tokens", "error", "votes", "outside the runs"];
    return folded("The curves as a table", table("The best design at some budgets", head, rows));
  }

  function command(state, budget) {
    const sizes = state.lm.split(",").map((size) => ` --lm-params ${size}e9`).join("");
    const text =
      `vvlm frontier paper --tflops ${number(budget / 1e12, 6)} --train-examples ${state.examples}e6` +
      `${sizes} --cost ${state.cost} --epsilon ${state.epsilon} --level ${state.level / 100}`;
    return folded("The same on the command line", element("pre", { tabindex: 0 }, text));
  }

  // ---- the headline at once, the rest after it -------------------------------------------------

  let asked = 0; // questions so far; what belongs to an earlier one is not shown any more

  // Mark the fields at fault, say what is wrong, and take the old answer away.
  function refuse(found) {
    form.mark(found);
    status.textContent = Object.values(found).join(" ");
    result.replaceChildren();
    result.setAttribute("aria-busy", false);
  }

  function showRest(given, state, question, budget) {
    const curve = vvlmAllocator.curve(data, question, [budget, ...CURVE]);
    result.replaceChildren(
      reach(given), votes(given, question), spread(given), asGood(given, state), steps(given),
      chart(curve, given, state), along(curve),
      ...(state.task === "avg" ? [command(state, budget)] : [])
    );
    result.setAttribute("aria-busy", false);
    performance.mark("allocator-answered-whole");
  }

  function update() {
    const turn = ++asked;
    const state = form.read();
    const found = vvlmForm.faults(data, state);
    if (Object.keys(found).length) return refuse(found);
    const { question, budget } = vvlmForm.asQuestion(data, state);
    const given = vvlmAllocator.answer(data, question, budget);
    if (given.refused) {
      const [has, least] = [budget, given.refused].map(tflops);
      refuse({
        budget: `${has} TFLOPs per video buy no design: the cheapest costs ${least} TFLOPs.`,
      });
    } else {
      form.mark({});
      status.textContent = headline(given, state, budget);
      performance.mark("allocator-answered-headline");
      result.setAttribute("aria-busy", true); // what stands there answers the question before
      const rest = () => turn === asked && showRest(given, state, question, budget);
      requestAnimationFrame(() => setTimeout(rest)); // once the headline has been painted
    }
    form.keep(state);
  }

  form.listen(update, () => status.focus());
  result.addEventListener("click", ({ target, clientX }) => {
    const svg = target.closest("svg");
    if (!svg) return;
    form.write({ unit: "tflops", budget: number(budgetAt(svg, clientX)) });
    update();
  });
  update();
})();
