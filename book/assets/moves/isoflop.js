// The designs that cost a budget, as the budget moves (chapter 2).
"use strict";

const vvlmMoveIsoflop = (() => {
  const { priceOf, sayLevel } = vvlmEngine();
  const { element, number, scale, ticks } = vvlmChart;
  const { slider, sentence, word, rule } = vvlmMoves;
  const [LEFT, RIGHT, TOP, BOTTOM] = [34, 350, 20, 210];
  const KINDS = ["tokens", "frames", "lm"]; // colours of the LM sizes, in their order

  // Designs of one LM size within the tolerance of a budget: most frames first, then fewest tokens.
  function near(settings, lm_params, budget) {
    const price = { name: "paper", tower: settings.tower };
    const found = settings.frames.flatMap((frames) => settings.tokens_per_frame
      .map((tokens_per_frame) => ({ lm_params, frames, tokens_per_frame }))
      .filter((design) => Math.abs(priceOf(price, design) / budget - 1) <= settings.tolerance));
    return found.sort((a, b) => b.frames - a.frames || a.tokens_per_frame - b.tokens_per_frame);
  }

  function sayOne(size, designs) {
    const ends = [designs[0], designs.at(-1)].map((d) => d && `${d.frames} x ${d.tokens_per_frame}`);
    if (!designs.length) return `no design with ${sayLevel(size)}`;
    if (designs.length === 1) return `1 design with ${sayLevel(size)} (${ends[0]})`;
    return `${designs.length} designs with ${sayLevel(size)} (${ends[0]} to ${ends[1]})`;
  }

  function draw(settings, budget, found) {
    const tokens = settings.tokens_per_frame;
    const reach = [settings.frames[0], settings.frames.at(-1)];
    const toX = scale([tokens[0], tokens.at(-1)], [LEFT, RIGHT]);
    const toY = scale(reach, [BOTTOM, TOP]);
    const inside = (frames) => Math.min(reach[1], Math.max(reach[0], frames));
    const curve = (size) => tokens.map((v) => {
      const one = priceOf({ name: "paper", tower: settings.tower },
        { lm_params: size, frames: 1, tokens_per_frame: v });
      return [v, budget / one];
    }).filter(([, frames]) => frames === inside(frames))
      .map(([v, frames], i) => `${i ? "L" : "M"}${toX(v).toFixed(1)},${toY(frames).toFixed(1)}`);
    return [
      word(LEFT, 12, "frames"),
      word((LEFT + RIGHT) / 2, BOTTOM + 31, "tokens per frame", "middle"),
      ...ticks(...reach).flatMap((t) => [
        rule("grid", LEFT, toY(t), RIGHT, toY(t)), word(LEFT - 5, toY(t) + 4, number(t), "end"),
      ]),
      ...ticks(tokens[0], tokens.at(-1)).map((t) => word(toX(t), BOTTOM + 15, number(t), "middle")),
      ...settings.lm_params.flatMap((size, i) => [
        element("path", { class: `line line-${KINDS[i % KINDS.length]}`, d: curve(size).join("") }),
        ...found[i].map((d) => element("circle", {
          class: KINDS[i % KINDS.length], cx: toX(d.tokens_per_frame), cy: toY(d.frames), r: 3,
        })),
      ]),
      ...settings.lm_params.map((size, i) => element("text", {
        x: RIGHT, y: TOP + 8 + 15 * i, "text-anchor": "end", class: `key ${KINDS[i % KINDS.length]}`,
      }, `LM of ${sayLevel(size)}`)),
    ];
  }

  function make(box, settings) {
    const { shown, said, say } = sentence();
    const svg = element("svg", { viewBox: `0 0 360 ${BOTTOM + 38}`, role: "img" });
    const moved = () => {
      const budget = dial.value();
      const found = settings.lm_params.map((size) => near(settings, size, budget));
      svg.replaceChildren(...draw(settings, budget, found));
      svg.setAttribute("aria-label", "Falling curves of frames against tokens per frame, one per " +
        `LM size, and the designs near them, at ${number(budget / 1e12)} TFLOPs.`);
      const parts = settings.lm_params.map((size, i) => sayOne(size, found[i]));
      say(`Within ${number(100 * settings.tolerance)}% of ${number(budget / 1e12)} TFLOPs, as ` +
        `frames x tokens per frame: ${parts.join("; ")}.`);
    };
    const dial = slider({
      label: "budget per video", values: settings.budgets, at: settings.budget, moved,
      say: (flops) => `${number(flops / 1e12)} TFLOPs`,
    });
    box.append(dial.row, svg, shown, said);
    moved();
  }

  vvlmMoves.start("isoflop", "Move the budget to see which designs cost it", make);
  return { near };
})();
