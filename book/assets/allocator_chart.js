// A panel of the allocator's chart: a quantity of the frontier against the budget, as inline SVG,
// both axes logarithmic.
"use strict";

const vvlmChart = (() => {
  const BOX = { width: 320, height: 190, left: 40, right: 14, top: 16, bottom: 30 };
  const SVG = ["svg", "path", "line", "text"];
  const number = (x, digits = 3) => Number(x.toPrecision(digits)).toString();

  // An element with attributes and children, in HTML or in SVG.
  function element(tag, attributes = {}, ...children) {
    const home = SVG.includes(tag) ? "2000/svg" : "1999/xhtml";
    const made = document.createElementNS(`http://www.w3.org/${home}`, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  // Where to write numbers between low and high: by decades, the finer the less there is to span.
  function ticks(low, high) {
    const span = high / low;
    const mantissas = span > 20 ? [1, 3] : span > 4 ? [1, 2, 3, 5, 7] : [1, 1.5, 2, 3, 4, 5, 6, 8];
    const fine = Array.from({ length: 180 }, (_, i) => 1 + i / 20);
    const decades = [0.01, 0.1, 1, 10, 100, 1000, 10000];
    const between = (marks) =>
      decades.flatMap((ten) => marks.map((m) => m * ten)).filter((t) => t >= low && t <= high);
    const few = between(mantissas);
    if (few.length > 1) return few;
    const many = between(fine);
    return many.filter((_, i) => i % Math.ceil(many.length / 4) === 0);
  }

  // Values to pixels on a logarithmic axis; a range of one value lies at `from`.
  function scale([low, high], [from, to]) {
    const span = Math.log(high / low) || 1;
    return (value) => from + (Math.log(value / low) / span) * (to - from);
  }

  // `curve`: rows by ascending budget. `line`, `low` and `high` take a row to a value; the line
  // and the band between the others go in steps, as a discrete frontier does.
  function panel(curve, { title, color, budget, line, low, high }) {
    const xs = curve.map((row) => row.budget_flops / 1e12);
    const ys = curve.flatMap((row) => [line(row), low(row), high(row)]);
    const reach = [Math.min(...ys) / 1.05, Math.max(...ys) * 1.05];
    const [bottom, right] = [BOX.height - BOX.bottom, BOX.width - BOX.right];
    const toX = scale([xs[0], xs.at(-1)], [BOX.left, right]);
    const toY = scale(reach, [bottom, BOX.top]);
    const x = xs.map((v) => toX(v).toFixed(1));
    const y = (value) => curve.map((row) => toY(value(row)).toFixed(1));
    const there = (value) => y(value).map((v, i) => (i ? `H${x[i]}V${v}` : `M${x[0]},${v}`));
    const back = (value) => y(value).map((v, i) => `V${v}H${x[i]}`).reverse();
    const word = (px, py, value, anchor) =>
      element("text", { x: px, y: py, "text-anchor": anchor }, value);
    const rule = (kind, x1, y1, x2, y2) => element("line", { class: kind, x1, y1, x2, y2 });
    const [first, last] = [curve[0], curve.at(-1)];
    const label =
      `${title}: ${number(line(first))} at ${number(xs[0])} TFLOPs, ` +
      `${number(line(last))} at ${number(xs.at(-1))} TFLOPs.`;
    return element(
      "svg", {
        viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "img", "aria-label": label,
        "data-from": xs[0], "data-to": xs.at(-1),
      },
      word(BOX.left, 11, title, "start"),
      ...ticks(...reach).flatMap((t) => [
        rule("grid", BOX.left, toY(t), right, toY(t)),
        word(BOX.left - 5, toY(t) + 4, number(t), "end"),
      ]),
      ...ticks(xs[0] * 0.999, xs.at(-1) * 1.001).map((t) =>
        word(toX(t), bottom + 13, number(t), "middle")
      ),
      word((BOX.left + right) / 2, BOX.height - 3, "TFLOPs per video", "middle"),
      element("path", {
        class: "band", fill: color, d: [...there(low), ...back(high), "Z"].join(""),
      }),
      element("path", { class: "line", stroke: color, d: there(line).join("") }),
      rule("budget", toX(budget), BOX.top, toX(budget), bottom)
    );
  }

  // The budget, TFLOPs, at a place of the screen within a panel.
  function budgetAt(svg, clientX) {
    const { left, width } = svg.getBoundingClientRect();
    const at = ((clientX - left) / width) * BOX.width;
    const share = (at - BOX.left) / (BOX.width - BOX.right - BOX.left);
    const { from, to } = svg.dataset;
    return from * (to / from) ** Math.min(1, Math.max(0, share));
  }

  return { budgetAt, element, number, panel };
})();
