// How the amount of data moves the best design of a budget (chapter 8), by the allocator's model.
"use strict";

(() => {
  const { sayLevel } = vvlmEngine();
  const { element, number, panel } = vvlmChart;
  const { slider, choice, sentence } = vvlmMoves;
  const PANELS = [
    ["LM size (B)", "var(--move-lm)", (r) => r.lm_params / 1e9,
      (r) => r.lm_params_range.map((v) => v / 1e9)],
    ["frames", "var(--move-frames)", (r) => r.frames, (r) => r.frames_range],
    ["tokens per frame", "var(--move-tokens)", (r) => r.tokens_per_frame, (r) => r.tokens_range],
  ];

  function make(box, { budgets, budget: first, examples, at, lm_params: sizes, level }) {
    const data = window.VVLM_ALLOCATOR;
    if (!data) throw new Error("the allocator's data are not there");
    const { shown, said, say } = sentence();
    const charts = element("div", { class: "vvlm-panels" });
    const known = new Map(); // rows over the examples, by budget
    const rowsOf = (budget) => {
      if (!known.has(budget)) known.set(budget, examples.map((n) => {
        const question = { task: "avg", cost: "paper", sizes, examples: n, level,
          epsilon: data.noise };
        return { amount: n / 1e6, ...vvlmAllocator.answer(data, question, budget * 1e12).best };
      }));
      return known.get(budget);
    };
    const moved = () => {
      const [budget, n] = [Number(which.value()), dial.value()];
      const rows = rowsOf(budget);
      const row = rows[examples.indexOf(n)];
      charts.replaceChildren(...PANELS.map(([title, color, line, range]) => panel(rows, {
        title, color, budget: n / 1e6, unit: "million examples", line,
        low: (r) => range(r)[0], high: (r) => range(r)[1],
      })));
      const away = row.outside.length ? " Some of these numbers are outside the runs." : "";
      say(`At ${number(budget)} TFLOPs and ${sayLevel(n)} examples the best design is ` +
        `${sayLevel(row.lm_params)} LM, ${row.frames} frames of ${row.tokens_per_frame} tokens: an ` +
        `error of ${number(row.error, 4)} points (${number(row.error_low, 4)} to ` +
        `${number(row.error_high, 4)}).${away}`);
    };
    const dial = slider({ label: "finetuning examples", values: examples, at, say: sayLevel,
      moved });
    const which = choice({ label: "Budget per video, TFLOPs", at: first, moved,
      options: budgets.map((b) => [b, number(b)]) });
    box.append(which.row, dial.row, charts, shown, said);
    // The first answers take a second: not before the part is near the screen.
    new IntersectionObserver((seen, watch) => {
      if (!seen.some((entry) => entry.isIntersecting)) return;
      watch.disconnect();
      moved();
    }, { rootMargin: "300px" }).observe(box);
  }

  vvlmMoves.start("data", "Move the number of examples to see the best design", make);
})();
