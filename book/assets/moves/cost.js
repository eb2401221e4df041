// What one video costs, and where the cost goes, as its design moves (chapter 1).
"use strict";

const vvlmMoveCost = (() => {
  const { priceOf, sayLevel } = vvlmEngine();
  const { element, number, scale, ticks } = vvlmChart;
  const { NAMES, slider, sentence, word, rule, bar } = vvlmMoves;
  const [WIDTH, HEIGHT, LEFT, RIGHT] = [360, 126, 4, 356];
  const tflops = (flops) => number(flops / 1e12, 4);

  // FLOPs of a design: the total, and its two parts.
  function costOf(design, tower) {
    const total = priceOf({ name: "paper", tower }, design);
    const lm = priceOf({ name: "lm_only", tower }, design);
    return { total, lm, vision: total - lm };
  }

  function say(design, { total, lm, vision }, budget) {
    const share = (part) => `${number((100 * part) / total, 2)}%`;
    const times = total / budget;
    const beside = times > 1
      ? `${number(times)} times the budget of ${tflops(budget)} TFLOPs`
      : `${number(100 * times)}% of the budget of ${tflops(budget)} TFLOPs`;
    return `${sayLevel(design.lm_params)} LM, ${design.frames} frames of ` +
      `${design.tokens_per_frame} tokens: ${tflops(total)} TFLOPs per video, ${beside}. ` +
      `The encoder takes ${tflops(vision)} TFLOPs (${share(vision)}), ` +
      `the LM ${tflops(lm)} (${share(lm)}).`;
  }

  // The parts as shares of one bar, and the total on a scale of FLOPs that all designs share.
  function draw({ total, vision }, budget, [least, most]) {
    const middle = LEFT + ((RIGHT - LEFT) * vision) / total;
    const toX = scale([least / 1e12, most / 1e12], [LEFT + 12, RIGHT - 12]);
    const [at, limit] = [toX(total / 1e12), toX(budget / 1e12)];
    const kind = total > budget ? "over" : "within";
    const near = (x) => (x > 270 ? "end" : x < 70 ? "start" : "middle");
    const powers = ticks(least / 1e12, most / 1e12).filter((t) => Math.log10(t) % 1 === 0);
    return [
      bar("vision", LEFT, 18, middle - LEFT, 18),
      bar("lm", middle, 18, RIGHT - middle, 18),
      word(LEFT, 12, "encoder"),
      word(RIGHT, 12, "LM", "end"),
      rule("axis", LEFT, 88, RIGHT, 88),
      ...powers.flatMap((t) => [
        rule("axis", toX(t), 88, toX(t), 92), word(toX(t), 103, number(t), "middle"),
      ]),
      word((LEFT + RIGHT) / 2, 121, "TFLOPs per video", "middle"),
      rule("budget", limit, 66, limit, 88),
      word(limit, 62, "budget", near(limit)),
      element("circle", { class: kind, cx: at, cy: 80, r: 5 }),
    ];
  }

  function make(box, { tower, design, budget, values }) {
    const { shown, said, say: tell } = sentence();
    const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    const corner = (place) =>
      Object.fromEntries(Object.entries(values).map(([f, all]) => [f, all.at(place)]));
    const reach = [0, -1].map((place) => costOf(corner(place), tower).total);
    const ends = [Math.min(reach[0], budget), Math.max(reach[1], budget)];
    const moved = () => {
      const now = Object.fromEntries(Object.entries(sliders).map(([f, s]) => [f, s.value()]));
      const cost = costOf(now, tower);
      svg.replaceChildren(...draw(cost, budget, ends));
      svg.setAttribute("aria-label", `The encoder's share of the cost is a bar of ` +
        `${number((100 * cost.vision) / cost.total, 2)}%; the total is marked on a scale.`);
      tell(say(now, cost, budget));
    };
    const sliders = Object.fromEntries(Object.keys(values).map((f) => [f, slider({
      label: NAMES[f], values: values[f], at: design[f], moved,
      say: f === "lm_params" ? sayLevel : String,
    })]));
    box.append(...Object.values(sliders).map((s) => s.row), svg, shown, said);
    moved();
  }

  vvlmMoves.start("cost", "Move a factor to see what one video costs", make);
  return { costOf };
})();
