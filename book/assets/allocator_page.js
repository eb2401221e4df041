// The allocator's page: reads the form, asks allocator.js, shows the answer, and keeps the question
// in the address. Runs once, after the data, allocator.js and allocator_chart.js.
"use strict";

(() => {
  performance.mark("allocator-started");
  const data = window.VVLM_ALLOCATOR;
  const form = document.getElementById("allocator");
  const status = document.getElementById("allocator-status");
  const result = document.getElementById("allocator-result");
  const { element, number, panel } = vvlmChart;

  const SHOWN = 10; // rows of the table of designs as good
  const CURVE = Array.from({ length: 60 }, (_, i) => 2e12 * 50 ** (i / 59)); // 2 to 100 TFLOPs
  const NAMES = {
    lm_params: "LM size", frames: "frames", tokens_per_frame: "tokens per frame",
    train_examples: "finetuning examples",
  };
  const inBillions = (size) => String(size / 1e9);
  const DEFAULTS = {
    tflops: "10", examples: "0.5", lm: data.trained.map(inBillions).join(","),
    task: "avg", cost: "paper", epsilon: "0.1", level: "80",
  };

  // ---- words -----------------------------------------------------------------------------------

  const points = (x) => x.toFixed(2);
  const tflops = (flops) => number(flops / 1e12);
  const billions = (size) => `${number(size / 1e9)}B`;
  const percent = (x) => `${Math.round(100 * x)}%`;
  const named = (factors) => factors.map((factor) => NAMES[factor]).join(", ");
  const design = (d) => `${billions(d.lm_params)}, ${d.frames} × ${d.tokens_per_frame}`;
  const range = ([low, high], show = String) =>
    show(low) === show(high) ? show(low) : `${show(low)} to ${show(high)}`;
  const banded = (value, low, high) => `${points(value)} (${range([low, high], points)})`;

  // ---- the question ----------------------------------------------------------------------------

  const boxes = () => [...form.querySelectorAll("input[name=lm]")];

  function makeBoxes() {
    for (const size of data.lm_sizes) {
      const box = element("input", { type: "checkbox", name: "lm", value: inBillions(size) });
      const note = data.trained.includes(size) ? "" : " (no run)";
      document.getElementById("allocator-sizes").append(
        element("label", {}, box, ` ${billions(size)}${note}`)
      );
    }
  }

  function tick(sizes) {
    for (const box of boxes()) box.checked = sizes.includes(box.value);
  }

  // From the address into the form; what the address lacks, or a list does not offer, is as usual.
  function restore() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    for (const [name, usual] of Object.entries(DEFAULTS)) {
      const value = wanted.get(name) ?? usual;
      if (name === "lm") tick(value.split(","));
      else {
        form.elements[name].value = value;
        if (!form.elements[name].value) form.elements[name].value = usual;
      }
    }
  }

  function readForm() {
    const { lm, ...others } = DEFAULTS;
    const state = Object.fromEntries(Object.keys(others).map((k) => [k, form.elements[k].value]));
    const sizes = boxes().filter((box) => box.checked).map((box) => box.value);
    return { ...state, lm: sizes.join(",") };
  }

  function keep(state) {
    const query = new URLSearchParams(state).toString().replaceAll("%2C", ",");
    if (location.hash.slice(1) !== query) history.replaceState(null, "", `#${query}`);
  }

  function asQuestion(state) {
    const wanted = state.lm.split(",");
    return {
      task: state.task, cost: state.cost,
      sizes: data.lm_sizes.filter((size) => wanted.includes(inBillions(size))),
      examples: 1e6 * Number(state.examples),
      epsilon: Number(state.epsilon), level: Number(state.level) / 100,
    };
  }

  // What is wrong, by field; an empty object when nothing is.
  function faults(state) {
    const found = {};
    const positive = (text) => Number(text) > 0 && Number.isFinite(Number(text));
    if (!positive(state.tflops)) found.tflops = "The budget must be a number above 0.";
    if (!positive(state.examples)) found.examples = "The examples must be a number above 0.";
    if (!state.epsilon || !(Number(state.epsilon) >= 0))
      found.epsilon = "The difference that counts as none must be 0 or more.";
    if (!state.lm) found.lm = "Allow at least one LM size.";
    return found;
  }

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

  function headline({ best }, state) {
    const band = range([best.error_low, best.error_high], points);
    return (
      `${billions(best.lm_params)} language model, ${best.frames} frames, ` +
      `${best.tokens_per_frame} tokens per frame. ` +
      `Predicted error ${points(best.error)} points (${state.level}% of the refits: ${band}), ` +
      `for ${tflops(best.cost_flops)} of ${Number(state.tflops)} TFLOPs per video.`
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
      class: "allocator-bar", style: `width: ${8 * vote}em`, "aria-hidden": true,
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

  function chart({ curve }, state) {
    const budget = Number(state.tflops);
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
          `${state.level}% of the refits. The dashed line is your budget.`
      )
    );
  }

  function folded(summary, content) {
    return element("details", {}, element("summary", {}, summary), content);
  }

  function along({ curve }) {
    const rows = curve.filter((_, i) => i % 6 === 0).map((row) => [
      tflops(row.budget_flops), design(row), banded(row.error, row.error_low, row.error_high),
      percent(row.probability), named(row.outside) || "nothing",
    ]);
    const head = ["TFLOPs", "LM, frames × tokens", "error", "votes", "outside the runs"];
    return folded("The curves as a table", table("The best design at some budgets", head, rows));
  }

  function command(state) {
    const sizes = state.lm.split(",").map((size) => ` --lm-params ${size}e9`).join("");
    const text =
      "vvlm fit paper --out fit.json\n" +
      `vvlm frontier fit.json --tflops ${state.tflops} --train-examples ${state.examples}e6` +
      `${sizes} --cost ${state.cost} --epsilon ${state.epsilon} --level ${state.level / 100}`;
    return folded("The same on the command line", element("pre", { tabindex: 0 }, text));
  }

  // ---- at once ---------------------------------------------------------------------------------

  // Mark the fields at fault, say what is wrong, and take the old answer away.
  function refuse(found) {
    for (const field of form.querySelectorAll("input")) {
      if (field.name in found) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
    status.textContent = Object.values(found).join(" ");
    result.replaceChildren();
  }

  function update() {
    const state = readForm();
    const found = faults(state);
    refuse(found);
    if (Object.keys(found).length) return;
    keep(state);
    const question = asQuestion(state);
    const given = vvlmAllocator.answer(data, question, 1e12 * state.tflops, CURVE);
    if (given.refused) {
      const least = tflops(given.refused);
      refuse({ tflops: `This budget buys no design: the cheapest costs ${least} TFLOPs.` });
      return;
    }
    status.textContent = headline(given, state);
    result.replaceChildren(
      reach(given), votes(given, question), spread(given), asGood(given, state), steps(given),
      chart(given, state), along(given), ...(state.task === "avg" ? [command(state)] : [])
    );
    performance.mark("allocator-answered");
  }

  function listen() {
    let waiting = 0;
    form.addEventListener("input", () => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(update);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      update();
      status.focus();
    });
    form.addEventListener("click", ({ target }) => {
      if (!target.dataset.sizes) return;
      const lists = { trained: data.trained, paper: data.space.lm_params };
      tick(lists[target.dataset.sizes].map(inBillions));
      update();
    });
    window.addEventListener("hashchange", () => {
      restore();
      update();
    });
  }

  makeBoxes();
  restore();
  listen();
  form.hidden = false;
  update();
})();
