// The parts of the allocator's answer, as elements of the page: words, tables, pictures, lines to
// paste. Nothing here asks or computes an answer.
"use strict";

const vvlmShow = (() => {
  const { element, number, panel, picture } = vvlmChart;
  const SHOWN = 10; // rows of the table of designs as good
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
  const tokensOf = (d) => number(d.tokens_per_frame, 4);
  const nameOf = (d) => d.model?.name ?? billions(d.lm_params);
  const design = (d) => `${nameOf(d)}, ${d.frames} × ${tokensOf(d)}`;
  const range = ([low, high], show = String) =>
    show(low) === show(high) ? show(low) : `${show(low)} to ${show(high)}`;
  const banded = (value, low, high) => `${points(value)} (${range([low, high], points)})`;

  // Said where the answer is the largest LM there is, since a larger one might be better.
  function largest({ best }, allowed, tooLarge = []) {
    if (allowed < 2 || best.lm_params < Math.max(...Object.keys(best.votes).map(Number))) return "";
    const where = tooLarge.length ? "on your list fits this server" : "is on your list";
    return ` No larger model ${where}; one might do better.`;
  }

  function headline(given, state, spent) {
    const { best } = given;
    const band = range([best.error_low, best.error_high], points);
    return (
      `${billions(best.lm_params)} language model, ${best.frames} frames, ` +
      `${tokensOf(best)} tokens per frame. ` +
      `Predicted error ${points(best.error)} points (${state.level}% of the refits: ${band}), ` +
      `for ${spent}.${largest(given, state.lm.split(",").length)}`
    );
  }

  const servedHeadline = (given, state, spent, tooLarge) =>
    `${nameOf(given.best)}, ${given.best.frames} frames, ${tokensOf(given.best)} tokens per frame, ` +
    `for ${spent}.${largest(given, state.models.split(",").length, tooLarge)}`;

  // ---- building blocks -------------------------------------------------------------------------

  function table(caption, head, rows) {
    const line = ([first, ...rest]) => element(
      "tr", {}, element("th", { scope: "row" }, first), ...rest.map((v) => element("td", {}, v))
    );
    const names = head.map((name) => element("th", { scope: "col" }, name));
    const headed = head.length ? [element("thead", {}, element("tr", {}, ...names))] : [];
    return element(
      "div", { class: "allocator-table", tabindex: 0, role: "region", "aria-label": caption },
      element(
        "table", { class: "table" }, element("caption", {}, caption), ...headed,
        element("tbody", {}, ...rows.map(line))
      )
    );
  }

  function folded(summary, ...content) {
    return element("details", {}, element("summary", {}, summary), ...content);
  }

  // Text with a button that copies it.
  function pasted(label, text) {
    const button = element("button", { type: "button", "data-copy": text }, "Copy");
    button.setAttribute("aria-label", `Copy the lines of ${label}`);
    return element(
      "div", { class: "allocator-paste" },
      element("p", {}, element("strong", {}, label), button),
      element("pre", { tabindex: 0, "aria-label": label }, text)
    );
  }

  // ---- parts of every answer -------------------------------------------------------------------

  function reach({ best }) {
    if (!best.outside.length)
      return element("p", {}, "Every factor lies within the range of the runs.");
    return element(
      "p", { class: "allocator-warning" }, element("strong", {}, "Extrapolation: "),
      `this answer lies outside the runs in ${named(best.outside)}. No run supports it.`
    );
  }

  // names: of LM sizes, where those of models say more
  function votes({ best }, names = {}) {
    const bar = (vote) => element("span", {
      class: "allocator-bar", style: `width: ${10 * vote}em`, "aria-hidden": true,
    });
    const rows = Object.entries(best.votes).map(([size, vote]) => [
      names[size] ?? billions(Number(size)), element("span", {}, bar(vote), percent(vote)),
    ]);
    return table("How sure: refits whose own best has this LM", ["LM", "votes"], rows);
  }

  function spread({ best }) {
    const tokens = range(best.tokens_range, (t) => number(t));
    return element(
      "p", {},
      `The refits' own best designs take ${range(best.frames_range)} frames of ${tokens} tokens. ` +
        "With this answer in place of its own, " +
        `a refit loses ${points(best.regret)} points at the median.`
    );
  }

  // price: the name of a column, and the cost of a design in its words
  function asGood({ near, best }, state, [unit, price], relative = false) {
    const error = (d) => (relative ? `+${points(d.excess)}` : points(d.error));
    const rows = near.slice(0, SHOWN).map((d) => [design(d), price(d), error(d), percent(d.votes)]);
    const cut = near.length > SHOWN ? `; the first ${SHOWN}` : "";
    return table(
      `As good, within ${Number(state.epsilon)} points: ${best.within_epsilon} of the designs${cut}`,
      ["LM, frames × tokens", unit, relative ? "error, points" : "error", "refits that agree"], rows
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

  // axis: {budget, unit} of the panels; a family's errors are relative, so they are not drawn
  function chart(curve, state, axis, relative) {
    const most = (value) => Math.min(value, 100);
    const factor = (title, color, name, key, unit = 1) => panel(curve, {
      title, color, ...axis, line: (row) => row[name] / unit,
      low: (row) => row[key][0] / unit, high: (row) => row[key][1] / unit,
    });
    const error = () => panel(curve, {
      title: "error, points", color: "var(--pst-color-text-base)", ...axis,
      line: (row) => most(row.error), low: (row) => most(row.error_low),
      high: (row) => most(row.error_high),
    });
    return element(
      "figure", { class: "allocator-chart" }, ...(relative ? [] : [error()]),
      factor("LM size, billions", "var(--allocator-lm)", "lm_params", "lm_params_range", 1e9),
      factor("frames", "var(--allocator-frames)", "frames", "frames_range"),
      factor("tokens per frame", "var(--allocator-tokens)", "tokens_per_frame", "tokens_range"),
      element(
        "figcaption", {},
        "The best design at each budget, and as a band the central " +
          `${state.level}% of the refits. The dashed line is your budget; ` +
          "click in a panel, or use the slider of the form, to move it."
      )
    );
  }

  function along(curve, unit, relative) {
    const rows = curve.filter((_, i) => i % 6 === 0).map((row) => [
      number(row.amount), design(row),
      ...(relative ? [] : [banded(row.error, row.error_low, row.error_high)]),
      percent(row.probability), named(row.outside) || "nothing",
    ]);
    const head = [
      unit, "LM, frames × tokens", ...(relative ? [] : ["error"]), "votes", "outside the runs",
    ];
    return folded("The curves as a table", table("The best design at some budgets", head, rows));
  }

  const command = (text) =>
    folded("The same on the command line", pasted("Command", text));

  // ---- parts of a served answer ----------------------------------------------------------------

  function drawn({ best }, rule, clip) {
    const side = Math.sqrt(best.tokens_per_frame);
    if (!rule) return picture({ frames: best.frames, rows: side, columns: side });
    const [rows, columns] = rule.tokens
      ? [Math.sqrt(rule.tokens), Math.sqrt(rule.tokens)]
      : [best.tokens.rows / rule.merge, best.tokens.columns / rule.merge];
    const aspect = rule.tokens ? 1 : clip.width / clip.height;
    const together = rule.temporal ?? 1;
    return picture({ frames: best.frames, rows, columns, aspect, together });
  }

  function takes({ best }, text, server) {
    const { tokens, price } = best;
    const { count } = vvlmServed;
    const gigabytes = (bytes) => `${number(bytes / 1e9)} GB`;
    const share = percent(price.cost.vision / price.cost.total);
    return table("What one clip takes", [], [
      ["frames", `${tokens.frames} read, ${tokens.slices} slices of ${tokens.rows} × ` +
        `${tokens.columns} patches encoded`],
      ["tokens", `${number(best.tokens_per_frame, 4)} per frame, ${count(tokens.visual)} visual, ` +
        `about ${count(tokens.markers)} around them, ${text.prompt} of the question: ` +
        `${count(price.context)} read`],
      ["TFLOPs", `${number(best.tflops, 4)}, ${share} of them to encode`],
      ["memory", `${gigabytes(price.weights)} of weights, ${gigabytes(price.kv)} of cache per ` +
        `video: ${price.batch} at once`],
      ["seconds", `${number(price.firstToken)} to the first token, ${number(price.seconds)} for one ` +
        `video, ${number(price.batchSeconds)} for ${price.batch} at once; ${number(price.cpu)} of ` +
        "one CPU core to decode the file"],
      ["videos per hour", `${count(price.perHour)}, bound by the ${price.limit}`],
      ["dollars", `${number(price.dollars, 4)} per million videos at ${number(server.price, 4)} per ` +
        "device and hour"],
    ]);
  }

  function flags(data, { best }, asked) {
    const { clip, family, server, text } = asked;
    const { transformersLines, vllmLine } = vvlmServed;
    return element(
      "section", { "aria-label": "Flags to paste" },
      pasted("vLLM", vllmLine(data.served, family, best, clip, server.devices, text.answer)),
      pasted("transformers", transformersLines(data.served, family, best, clip)),
      ...best.notes.map((note) => element("p", { class: "allocator-note" }, `Note: ${note}.`))
    );
  }

  const unfit = (tooLarge) =>
    tooLarge.length
      ? [element("p", {}, `Too large for this server: ${tooLarge.join(", ")}.`)]
      : [];

  const caution = (data) =>
    element("p", { class: "allocator-warning" }, `Note: ${data.served.relative}.`);

  return {
    along, asGood, caution, chart, command, drawn, flags, headline, reach, servedHeadline, spread,
    steps, takes, tflops, unfit, votes,
  };
})();
