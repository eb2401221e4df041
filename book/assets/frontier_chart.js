// Pictures of the pages that answer, as inline SVG: a quantity of the frontier against the budget,
// both axes logarithmic; and a design, its frames and the grid of tokens of one.
"use strict";

const vvlmChart = (() => {
  const BOX = { width: 320, height: 190, left: 44, right: 14, top: 16, bottom: 30 };
  const SVG = ["svg", "path", "line", "text", "rect", "circle", "g"];
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
    for (const marks of [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 8]]) {
      const few = found(marks);
      if (few.length > 2) return few.filter((_, i) => i % Math.ceil(few.length / 6) === 0);
    }
    const many = found(Array.from({ length: 180 }, (_, i) => Number((1 + i / 20).toFixed(2))));
    return many.filter((_, i) => i % Math.ceil(many.length / 4) === 0);
  }

  // Values to pixels on a logarithmic axis; a range of one value lies at `from`.
  function scale([low, high], [from, to]) {
    const span = Math.log(high / low) || 1;
    return (value) => from + (Math.log(value / low) / span) * (to - from);
  }

  // `curve`: rows by ascending budget, whose `amount` is in words of `unit`. `line`, `low` and `high`
  // take a row to a value; the line and the band between the others go in steps, as a discrete
  // frontier does. A rule stands at `budget`, if one is given. The picture's `mark` takes the place of
  // a row, and puts a point there.
  function panel(curve, { title, color, budget, unit, line, low, high }) {
    const xs = curve.map((row) => row.amount);
    const ys = curve.flatMap((row) => [line(row), low(row), high(row)]);
    const [least, most] = [Math.min(...ys), Math.max(...ys)];
    const isFlat = most < 1.02 * least; // one value, which then stands on the axis alone
    const reach = [least / (isFlat ? 1.3 : 1.05), most * (isFlat ? 1.3 : 1.05)];
    const levels = isFlat ? [most] : ticks(...reach);
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
      `${title}: ${number(line(first))} at ${number(xs[0])} ${unit}, ` +
      `${number(line(last))} at ${number(xs.at(-1))}.`;
    const point = element("circle", { class: "point", fill: color, r: 4, cx: -9, cy: -9 });
    const picture = element(
      "svg", {
        viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "img", "aria-label": label,
        "data-from": xs[0], "data-to": xs.at(-1),
      },
      word(BOX.left, 11, title, "start"),
      ...levels.flatMap((t) => [
        rule("grid", BOX.left, toY(t), right, toY(t)),
        word(BOX.left - 5, toY(t) + 4, number(t), "end"),
      ]),
      ...ticks(xs[0] * 0.999, xs.at(-1) * 1.001).map((t) =>
        word(toX(t), bottom + 13, number(t), "middle")
      ),
      word((BOX.left + right) / 2, BOX.height - 3, unit, "middle"),
      element("path", {
        class: "band", fill: color, d: [...there(low), ...back(high), "Z"].join(""),
      }),
      element("path", { class: "line", stroke: color, d: there(line).join("") }),
      ...(budget ? [rule("budget", toX(budget), BOX.top, toX(budget), bottom)] : []), point
    );
    picture.mark = (place) => {
      point.setAttribute("cx", x[place]);
      point.setAttribute("cy", toY(line(curve[place])).toFixed(1));
    };
    return picture;
  }

  // The budget at a place of the screen within a panel.
  function budgetAt(svg, clientX) {
    const { left, width } = svg.getBoundingClientRect();
    const at = ((clientX - left) / width) * BOX.width;
    const share = (at - BOX.left) / (BOX.width - BOX.right - BOX.left);
    const { from, to } = svg.dataset;
    return from * (to / from) ** Math.min(1, Math.max(0, share));
  }

  // A design as a picture: one frame with its grid of tokens, and as many frames as are read.
  // `aspect` is width over height of a frame; `together` frames share one grid.
  function picture({ frames, rows, columns, aspect = 1, together = 1 }) {
    const [height, gap] = [96, 5];
    const width = Math.min(170, Math.max(40, height * aspect));
    const rect = (kind, x, y, w, h) => element("rect", { class: kind, x, y, width: w, height: h });
    const rule = (x1, y1, x2, y2) => element("line", { class: "cell", x1, y1, x2, y2 });
    const inner = (count, full) => Array.from({ length: count - 1 }, (_, i) => ((i + 1) * full) / count);
    const left = width + 24;
    const perRow = Math.max(8, Math.ceil(Math.sqrt(frames * 2.4)));
    const side = Math.min(22, (330 - left) / perRow);
    const small = Array.from({ length: frames }, (_, i) =>
      rect("frame", left + (i % perRow) * side, 1 + Math.floor(i / perRow) * side, side - 2, side - 2)
    );
    const down = Math.max(height, Math.ceil(frames / perRow) * side) + gap;
    const pair = together > 1 ? `${together} frames share a grid` : "of one frame";
    const label =
      `${frames} frames; ${rows} rows and ${columns} columns of tokens, ${pair}.`;
    const word = (x, text) => element("text", { x, y: down + 13 }, text);
    return element(
      "svg", { viewBox: `0 0 334 ${down + 18}`, role: "img", "aria-label": label, class: "design" },
      rect("frame", 1, 1, width, height),
      ...inner(rows, height).map((y) => rule(1, 1 + y, 1 + width, 1 + y)),
      ...inner(columns, width).map((x) => rule(1 + x, 1, 1 + x, 1 + height)),
      ...small,
      word(1, `${rows} × ${columns} tokens${together > 1 ? ` per ${together} frames` : ""}`),
      word(left, `${frames} frames`)
    );
  }

  return { budgetAt, element, number, panel, picture, scale, ticks };
})();
