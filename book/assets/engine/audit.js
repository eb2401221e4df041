// What a table can answer before any law is believed, in words: vvlm_utils/advice/audit.py, of the
// design alone, as `vvlm check --resamples 0` says it. And which law predicts runs left out.
import { evaluate, logDesign, predict } from "./law.js";
import { fitLaw, FitError, logUnits } from "./fit.js";
import { designsOf, lawsOver } from "./bag.js";
import { EXAMPLES, FACTORS } from "./table.js";
import { distinct, dot, groupBy, mean } from "./prepare.js";
import { sayLevels, sayName } from "./text.js";

// L of rows = L Q, by Gram and Schmidt's process as modified: a small square matrix with the rows'
// singular values and left vectors.
function triangular(rows) {
  const units = rows.map((row) => Float64Array.from(row));
  return units.map((row, p) => {
    const line = new Float64Array(rows.length);
    for (let q = 0; q < p; q++) {
      line[q] = dot(row, units[q]);
      for (let i = 0; i < row.length; i++) row[i] -= line[q] * units[q][i];
    }
    line[p] = Math.sqrt(dot(row, row));
    if (line[p] > 0) for (let i = 0; i < row.length; i++) row[i] /= line[p];
    return line;
  });
}

// Singular values of the rows of a matrix and the left vectors, by one-sided Jacobi rotations.
function singular(matrix) {
  const a = triangular(matrix);
  const rows = a.length;
  const left = a.map((_, i) => Float64Array.from(a, (__, j) => Number(i === j)));
  const turn = (x, y, c, s) => {
    for (let i = 0; i < rows; i++) [x[i], y[i]] = [c * x[i] - s * y[i], s * x[i] + c * y[i]];
  };
  for (let sweep = 0, moved = true; moved && sweep < 60; sweep++) {
    moved = false;
    for (let p = 0; p < rows; p++)
      for (let q = p + 1; q < rows; q++) {
        const [pp, qq, pq] = [dot(a[p], a[p]), dot(a[q], a[q]), dot(a[p], a[q])];
        if (Math.abs(pq) <= 1e-15 * Math.sqrt(pp * qq) || pq === 0) continue;
        moved = true;
        const zeta = (qq - pp) / (2 * pq);
        const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const c = 1 / Math.sqrt(1 + t * t);
        turn(a[p], a[q], c, c * t);
        turn(left[p], left[q], c, c * t);
      }
  }
  return a.map((row, k) => ({ size: Math.sqrt(dot(row, row)), vector: left[k] }));
}

// Parameters that runs of these designs cannot tell apart: the null space of d log f / d theta.
function notSeparate(law, rows, random, tries = 8) {
  const logs = logDesign(law, rows);
  const m = rows.length;
  for (let k = 0; k < law.factors.length; k++) {
    const middle = mean(Array.from(logs.subarray(k * m, (k + 1) * m)));
    for (let i = k * m; i < (k + 1) * m; i++) logs[i] -= middle;
  }
  const size = law.parameters.length;
  let best = null;
  for (let turn = 0; turn < tries && best?.length !== 0; turn++) {
    const theta = law.parameters.map((_, k) =>
      k < law.terms.length ? random.uniform(5, 30) : random.uniform(0.2, 1)
    );
    const gradient = new Float64Array(size * m);
    evaluate(law, theta, logs, m, new Float64Array(m), gradient);
    const scaled = law.parameters.map((_, k) => {
      const row = gradient.subarray(k * m, (k + 1) * m);
      const length = Math.sqrt(dot(row, row));
      return row.map((v) => v / length);
    });
    const found = singular(scaled);
    const most = Math.max(...found.map((s) => s.size));
    const none = found.filter((s) => !(s.size >= 1e-10 * most));
    const names = law.parameters.filter((_, k) =>
      Math.sqrt(none.reduce((sum, s) => sum + s.vector[k] ** 2, 0)) > 1e-5
    );
    if (best === null || names.length < best.length) best = names;
  }
  return best;
}

// Whether a law over the factors that move can be fitted, found and tested.
function support(law, rows, random, folds) {
  const size = law.parameters.length;
  const say = (status, why) => ({ law: law.name, parameters: size, status, why });
  if (new Set(rows.map((row) => row.error)).size === 1)
    return say("no", "every run has the same metric, so no factor matters");
  if (rows.length < size) return say("no", `it has ${size} parameters and there are ${rows.length} runs`);
  if (!rows.every((row) => row.error > 0)) return say("no", "a run has error 0, which has no logarithm");
  const loose = notSeparate(law, rows, random);
  if (Math.floor((rows.length * (folds - 1)) / folds) < size)
    return say("weakly", `its ${size} parameters leave too few of ${rows.length} runs to be held out`);
  if (loose.length) {
    const names = loose.length < 7 ? loose.join(", ") : `${loose.length} of its ${size} parameters`;
    return say("weakly", `${names} stand in for one another at these levels`);
  }
  return say("yes", "the design decides all its parameters");
}

function correlation(x, y) {
  const [mx, my] = [mean(x), mean(y)];
  let [xx, yy, xy] = [0, 0, 0];
  x.forEach((v, i) => {
    xx += (v - mx) ** 2;
    yy += (y[i] - my) ** 2;
    xy += (v - mx) * (y[i] - my);
  });
  return xy / Math.sqrt(xx * yy);
}

// Pairs of factors that do not move apart, in words, the strongest kind first.
function confounded(rows, factors, names, { correlated }) {
  const levels = (part, f) => new Set(part.map((row) => row[f])).size;
  const moving = factors.filter((f) => levels(rows, f) > 1);
  const found = [];
  const fixedBy = (a, b) => groupBy(rows, [b]).every((part) => levels(part, a) === 1);
  moving.forEach((a, i) =>
    moving.slice(i + 1).forEach((b) => {
      const [x, y] = [a, b].map((f) => rows.map((row) => Math.log(row[f])));
      const r = correlation(x, y);
      const [aFollows, bFollows] = [fixedBy(a, b), fixedBy(b, a)];
      const [first, second] = (aFollows ? [a, b] : [b, a]).map((f) => sayName(names, f));
      const [one, other] = [a, b].map((f) => sayName(names, f));
      if (aFollows && bFollows)
        found.push([0, `${one} and ${other} always move together: no run tells their effects apart.`]);
      else if (aFollows || bFollows)
        found.push([1, `${first} never moves while ${second} is held: its effect leans on the law's form.`]);
      else if (Math.abs(r) >= correlated)
        found.push([3, `${one} and ${other} mostly move together (r = ${r.toFixed(2)} of the logs).`]);
    })
  );
  for (const f of moving) {
    const shared = groupBy(rows, [f]).some((part) => levels(part, "sweep") > 1);
    if (levels(rows, "sweep") > 1 && !shared)
      found.push([2, `${sayName(names, f)} and the sweep are confounded: the sweeps share no level ` +
        "of it, so a difference between the sweeps may be its doing."]);
  }
  return found.sort((a, b) => a[0] - b[0]).map(([, said]) => said);
}

// The audit of a prepared table: {sentences, laws}.
export function audit(prepared, data, random) {
  const { checked: rows, runs: merged, further, factors } = prepared;
  const { rules } = data;
  const names = rules.factor_names;
  const every = [...FACTORS, ...further, EXAMPLES];
  const designs = groupBy(rows, every.filter((f) => f !== EXAMPLES)).length;
  const said = [`The table holds ${rows.length} runs of ${designs} designs.`];
  const levels = Object.fromEntries(every.map((f) => [f, distinct(rows.map((row) => row[f]))]));
  said.push(...every.map((f) => `${sayName(names, f)}: ${sayLevels(levels[f])}.`));
  for (const f of every)
    if (levels[f].length === 1)
      said.push(f === EXAMPLES
        ? "Training examples never move: laws leave n out, and how answers move with more data " +
          "cannot be told."
        : `${sayName(names, f)} never moves: nothing can be said about it, and laws leave it out.`);
    else if (levels[f].length === 2)
      said.push(`${sayName(names, f)} has two levels: they give a difference, not the shape of a ` +
        "curve; a third level would.");
  const groups = groupBy(rows, [...every, "sweep"]);
  const extra = rows.length - groups.length;
  if (extra) {
    const squares = groups.reduce((sum, part) => {
      const middle = mean(part.map((row) => row.error));
      return sum + part.reduce((s, row) => s + (row.error - middle) ** 2, 0);
    }, 0);
    said.push(`${extra} runs repeat a design; repeats differ by ${Math.sqrt(squares / extra).toFixed(2)} ` +
      "points (SD), which is the noise a law cannot explain.");
  }
  said.push(...confounded(merged, every, names, rules.audit));
  const sweeps = new Set(rows.map((row) => row.sweep));
  if (!sweeps.has("star") || !sweeps.has("isoflop"))
    said.push("Without runs marked star and isoflop, laws are compared by cross-validation alone.");
  if ("cost_flops" in rows[0]) said.push("The column cost_flops prices the designs that were run.");
  if (!factors.length)
    said.push("No factor of the design moves: no law can be fitted; run other designs.");
  const laws = factors.length ? Object.values(lawsOver(data, factors, prepared.data)) : [];
  const seen = merged.length > rules.audit.most_fitted ? thin(merged, rules.audit.most_fitted) : merged;
  const known = laws.map((law) => support(law, seen, random, rules.audit.folds));
  said.push(...known.map((s) => `Law ${s.law}: ${s.status}, ${s.why}.`));
  return { laws: known, sentences: said.map((line) => line[0].toUpperCase() + line.slice(1)) };
}

const thin = (rows, most) => rows.filter((_, i) => i % Math.ceil(rows.length / most) === 0);

// How far single penalised fits miss designs that they did not see, in percent, by law.
export function compareLaws(prepared, audited, data, random, tell = () => {}) {
  const laws = lawsOver(data, prepared.factors, prepared.data);
  const names = audited.laws
    .filter((s) => s.status !== "no" && !s.why.includes("held out")).map((s) => s.law);
  const found = [];
  names.forEach((name, done) => {
    tell(done / names.length);
    const law = laws[name];
    const { which, count } = designsOf(law, prepared.runs);
    const folds = Math.min(data.rules.audit.folds, count);
    const order = Array.from({ length: count }, (_, k) => (k * 7919) % count % folds);
    try {
      const misses = [];
      for (let fold = 0; fold < folds && folds > 1; fold++) {
        const kept = prepared.runs.filter((_, i) => order[which[i]] !== fold);
        const held = prepared.runs.filter((_, i) => order[which[i]] === fold);
        const quick = { ...data.options, few_starts: 4 };
        const { theta } = fitLaw(law, kept, quick, random);
        const logs = logDesign(law, held, logUnits(law, data.options));
        predict(law, theta, logs, held.length).forEach((f, i) =>
          misses.push(Math.abs(f / held[i].error - 1))
        );
      }
      if (misses.length) found.push({ law: name, e_pct: 100 * mean(misses) });
    } catch (fault) {
      if (!(fault instanceof FitError)) throw fault;
    }
  });
  return found.sort((a, b) => a.e_pct - b.e_pct);
}
