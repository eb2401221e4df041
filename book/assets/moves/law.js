// How a law's error falls in one factor, as its exponents move (chapter 6).
"use strict";

const vvlmMoveLaw = (() => {
  const { DATA, describe, logDesign, predict, sayLevel } = vvlmEngine();
  const { element, number, scale, ticks } = vvlmChart;
  const { NAMES, slider, choice, sentence, word, rule } = vvlmMoves;
  const [LEFT, RIGHT, TOP, BOTTOM] = [30, 350, 20, 190];
  const KINDS = ["floor", "others", "data", "pair", "own"]; // from the ground up

  // What a term stands for where one factor moves.
  function kindOf({ powers }, factor) {
    const factors = powers.map((p) => p.factor);
    if (!factors.length) return "floor";
    if (factors.includes(factor)) return factors.includes(DATA) ? "pair" : "own";
    return factors.includes(DATA) ? "data" : "others";
  }

  // Points of error at each row of designs, by kind.
  function errorsOf(law, theta, rows, units, factor) {
    const logZ = logDesign(law, rows, law.factors.map((f) => Math.log(units[f])));
    const found = Object.fromEntries(KINDS.map((kind) => [kind, new Float64Array(rows.length)]));
    law.terms.forEach((term, j) => {
      const alone = theta.map((value, k) => (k < law.terms.length && k !== j ? 0 : value));
      if (alone[j] === 0) return;
      const points = predict(law, alone, logZ, rows.length);
      points.forEach((value, i) => (found[kindOf(term, factor)][i] += value));
    });
    return found;
  }

  function draw(values, found, at, factor) {
    const tops = KINDS.map(() => new Float64Array(values.length));
    KINDS.forEach((kind, k) => found[kind].forEach((points, i) => {
      tops[k][i] = points + (k ? tops[k - 1][i] : 0);
    }));
    const most = Math.min(100, Math.max(10, ...tops.at(-1)));
    const toX = scale([values[0], values.at(-1)], [LEFT, RIGHT]);
    const toY = (points) => BOTTOM - (Math.min(points, most) / most) * (BOTTOM - TOP);
    const place = (line, i) => `${toX(values[i]).toFixed(1)},${toY(line[i]).toFixed(1)}`;
    const area = (k) => {
      const under = k ? tops[k - 1] : new Float64Array(values.length);
      const there = values.map((_, i) => place(tops[k], i));
      const back = values.map((_, i) => place(under, i)).reverse();
      return `M${[...there, ...back].join("L")}Z`;
    };
    const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * most);
    return [
      word(LEFT - 24, 12, "error (points)"),
      word((LEFT + RIGHT) / 2, BOTTOM + 31, NAMES[factor], "middle"),
      ...KINDS.map((kind, k) => element("path", { class: `area ${kind}`, d: area(k) })),
      ...marks.map((m) => word(LEFT - 5, toY(m) + 4, number(m, 2), "end")),
      ...ticks(values[0], values.at(-1)).map((t) => word(toX(t), BOTTOM + 15, sayLevel(t), "middle")),
      rule("here", toX(at), TOP, toX(at), BOTTOM),
    ];
  }

  function key() {
    const words = { own: "the factor alone", pair: "the factor, while data are few",
      data: "few data", others: "the other two factors", floor: "always there" };
    const items = [...KINDS].reverse().map((kind) =>
      element("span", { class: `vvlm-key ${kind}` }, words[kind]));
    return element("p", { class: "vvlm-keys" }, ...items);
  }

  function make(box, { law: described, theta: start, design, values, examples }) {
    const law = describe(described);
    const { shown, said, say } = sentence();
    const svg = element("svg", { viewBox: `0 0 360 ${BOTTOM + 38}`, role: "img" });
    const place = element("div", { class: "vvlm-sliders" });
    let theta, dials;
    const nameOf = (kind, factor) => law.terms.find((t) => kindOf(t, factor) === kind)
      .powers.find((p) => p.factor === factor).exponent;
    const grid = (low, high) => Array.from({ length: 61 }, (_, i) => low + ((high - low) * i) / 60);

    // Sliders of a factor, from the fitted exponents.
    function choose() {
      const factor = which.value();
      theta = [...start];
      const exponent = (kind, label, low, high) => {
        const k = law.parameters.indexOf(nameOf(kind, factor));
        const all = [...new Set([...grid(low, high), start[k]])].sort((a, b) => a - b);
        return slider({ label, values: all, at: start[k], say: (v) => v.toFixed(2),
          moved: () => { theta[k] = dials[kind].value(); moved(); } });
      };
      dials = {
        at: slider({ label: NAMES[factor], values: values[factor], at: design[factor],
          say: sayLevel, moved }),
        n: slider({ label: "finetuning examples", values: examples, at: design[DATA],
          say: sayLevel, moved }),
        own: exponent("own", "exponent a of the factor", 0, 1.5),
        pair: exponent("pair", "exponent b of the interaction", -1, 1),
      };
      place.replaceChildren(...Object.values(dials).map((d) => d.row));
      moved();
    }

    function moved() {
      const factor = which.value();
      const [at, n] = [dials.at.value(), dials.n.value()];
      const rows = (levels) => levels.map((v) => ({ ...design, [DATA]: n, [factor]: v }));
      const curve = errorsOf(law, theta, rows(values[factor]), design, factor);
      svg.replaceChildren(...draw(values[factor], curve, at, factor));
      const here = errorsOf(law, theta, rows([at]), design, factor);
      const total = KINDS.reduce((sum, kind) => sum + here[kind][0], 0);
      const rest = total - here.own[0];
      const b = theta[law.parameters.indexOf(nameOf("pair", factor))];
      const effect = b > 0 ? "more of this factor raises the part that few data cause"
        : b < 0 ? "more of this factor lowers the part that few data cause"
        : "the part that few data cause does not move with this factor";
      svg.setAttribute("aria-label", `Error by cause against ${NAMES[factor]}, as stacked areas.`);
      say(`${NAMES[factor]} ${sayLevel(at)}, ${sayLevel(n)} examples: an error of ` +
        `${number(total)} points. The factor's own term is ${number(here.own[0])} of them, which ` +
        `more of it removes; the other ${number(rest)} are the bottleneck. ` +
        `With b = ${b.toFixed(2)}, ${effect}.`);
    }

    const which = choice({ label: "Factor that moves", options: Object.entries(NAMES),
      at: "frames", moved: choose });
    box.append(which.row, place, svg, key(), shown, said);
    choose();
  }

  vvlmMoves.start("law", "Move an exponent to see how the error falls in one factor", make);
})();
