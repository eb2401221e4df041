// Charts of the page `your_sweep`, as inline SVG: a quantity of the frontier against the budget,
// both axes logarithmic, and the elements that pages are made of.
"use strict";

const sweepChart = (() => {
  const BOX = { width: 320, height: 190, left: 44, right: 14, top: 16, bottom: 30 };
  const SVG = ["svg", "path", "line", "text", "circle"];
  const number = (x, digits = 3) => {
    const text = Number(x.toPrecision(digits));
    return Math.abs(text) >= 1e6 ? text.toExponential().replace("e+", "e") : String(text);
  };

  // An element with attributes and children, in HTML or in SVG; children of text stay text.
  function element(tag, attributes = {}, ...children) {
    const home = SVG.includes(tag) ? "2000/svg" : "1999/xhtml";
    const made = document.createElementNS(`http://www.w3.org/${home}`, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  // At most about six round numbers between low and high.
  function ticks(low, high) {
    const found = (marks) => {
      const all = [];
      for (let ten = Math.floor(Math.log10(low)); ten <= Math.ceil(Math.log10(high)); ten++)
        for (const mark of marks) all.push(Number(`${mark}e${ten}`));
      return all.filter((t) => t >= low && t <= high);
    };
    const fine = Array.from({ length: 180 }, (_, i) => Number((1 + i / 20).toFixed(2)));
    for (const marks of [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 8]]) {
      const few = found(marks);
      if (few.length > 2) return few.filter((_, i) => i % Math.ceil(few.length / 6) === 0);
    }
    const many = found(fine);
    return many.filter((_, i) => i % Math.ceil(many.length / 4) === 0);
  }

  function scale([low, high], [from, to]) {
    const span = Math.log(high / low) || 1;
    return (value) => from + (Math.log(value / low) / span) * (to - from);
  }

  // rows by ascending budget; line, low and high take a row to a value. points: {x, y} of runs.
  function panel(rows, { title, color, unit, line, low, high, points = [] }) {
    const [name, size] = unit;
    const xs = rows.map((row) => row.budget_flops / size);
    const ys = [...rows.flatMap((row) => [line(row), low(row), high(row)]), ...points.map((p) => p.y)];
    const reach = [Math.min(...ys) / 1.05, Math.max(...ys) * 1.05];
    const [bottom, right] = [BOX.height - BOX.bottom, BOX.width - BOX.right];
    const toX = scale([xs[0], xs.at(-1)], [BOX.left, right]);
    const toY = scale(reach, [bottom, BOX.top]);
    const x = xs.map((v) => toX(v).toFixed(1));
    const y = (value) => rows.map((row) => toY(value(row)).toFixed(1));
    const there = (value) => y(value).map((v, i) => (i ? `H${x[i]}V${v}` : `M${x[0]},${v}`));
    const back = (value) => y(value).map((v, i) => `V${v}H${x[i]}`).reverse();
    const word = (px, py, text, anchor) => element("text", { x: px, y: py, "text-anchor": anchor }, text);
    const rule = (x1, y1, x2, y2) => element("line", { class: "grid", x1, y1, x2, y2 });
    const [first, last] = [rows[0], rows.at(-1)];
    const label = `${title}: ${number(line(first))} at ${number(xs[0])} ${name}, ` +
      `${number(line(last))} at ${number(xs.at(-1))} ${name}.`;
    return element(
      "svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "img", "aria-label": label },
      word(BOX.left, 11, title, "start"),
      ...ticks(...reach).flatMap((t) => [
        rule(BOX.left, toY(t), right, toY(t)), word(BOX.left - 5, toY(t) + 4, number(t), "end"),
      ]),
      ...ticks(xs[0] * 0.999, xs.at(-1) * 1.001).map((t) => word(toX(t), bottom + 13, number(t), "middle")),
      word((BOX.left + right) / 2, BOX.height - 3, `${name} per video`, "middle"),
      element("path", { class: "band", fill: color, d: [...there(low), ...back(high), "Z"].join("") }),
      element("path", { class: "line", stroke: color, d: there(line).join("") }),
      ...points.map((p) => element("circle", { cx: toX(p.x / size), cy: toY(p.y), r: 2 }))
    );
  }

  return { element, number, panel };
})();
