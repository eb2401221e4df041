// Penalised fits of a law: vvlm_utils/laws/{problem,optimisers,diagnostics}.py with a prior.
//
//   minimise over theta in a box:  sum_i w_i (log f_i - log y_i)^2 + sum_q v_q (theta_q - m_q)^2
//
// The search moves the logarithms of coefficients; `x` below is theta with those in their places.
import { changeUnits, evaluate, logDesign } from "./law.js";
import { least, median } from "./prepare.js";
import { general } from "./text.js";

export class FitError extends Error {}

// Means and SDs of the law's parameters, coefficients by logarithm.
function moments(law, prior, error) {
  const middle = median(error);
  const pairs = law.parameters.map((name) => prior.pairs[law.kinds[name]]);
  return {
    mean: pairs.map(([m], k) =>
      prior.shares.includes(law.kinds[law.parameters[k]]) ? Math.log(m * middle) : m
    ),
    sd: pairs.map(([, s]) => s),
  };
}

// What the optimiser solves, factors measured from the rows' geometric centre.
export function makeProblem(law, rows, options) {
  const { prior } = options;
  const logs = logDesign(law, rows);
  const m = rows.length;
  const error = Float64Array.from(rows, (row) => row.error);
  if (!(least(error) > 0))
    throw new FitError(`error must be positive to have a logarithm, got ${least(error).toFixed(1)}`);
  law.factors.forEach((factor, k) => {
    const column = logs.subarray(k * m, (k + 1) * m);
    if (column.some((v) => v !== column[0])) return;
    throw new FitError(`${factor} has one level (${general(Math.exp(column[0]))}) in these runs, so its ` +
      `exponent in law '${law.name}' cannot be found; add runs at another ${factor}`);
  });
  if (error.every((v) => v === error[0]))
    throw new FitError("every run has the same metric, so no factor matters; look at the scores");
  const centre = law.factors.map((_, k) => {
    let sum = 0;
    for (let i = k * m; i < (k + 1) * m; i++) sum += logs[i];
    return sum / m;
  });
  for (let k = 0; k < centre.length; k++)
    for (let i = k * m; i < (k + 1) * m; i++) logs[i] -= centre[k];
  const terms = law.terms.length;
  const size = law.parameters.length;
  const low = new Float64Array(size).fill(-options.max_exponent);
  const high = new Float64Array(size).fill(options.max_exponent);
  low.fill(options.smallest_coefficient, 0, terms);
  high.fill(options.max_coefficient, 0, terms);
  if (law.norm) [low[size - 1], high[size - 1]] = options.log_p;
  const { mean, sd } = moments(law, prior, error);
  const logError = error.map(Math.log);
  const problem = { law, logZ: logs, rows: m, error, logError, low, high, centre, sd,
    mean: Float64Array.from(mean), precision: new Float64Array(size), work: makeWork(size, m) };
  let noise = prior.noise ?? 0.01;
  const weigh = () => sd.forEach((s, k) => (problem.precision[k] = (noise / s) ** 2));
  weigh();
  for (let round = 0; prior.noise === null && round < options.noise_rounds; round++) {
    const found = descend(toSearch(problem, fromSearch(problem, mean)), whole(problem));
    noise = Math.max(residualNoise(problem, fromSearch(problem, found.x)), 1e-4);
    weigh();
  }
  return problem;
}

function toSearch({ law, low, high }, theta) {
  return Float64Array.from(theta, (value, k) => {
    const inside = Math.min(Math.max(value, low[k]), high[k]);
    return k < law.terms.length ? Math.log(inside) : inside;
  });
}

export function fromSearch({ law }, x) {
  return Float64Array.from(x, (value, k) => (k < law.terms.length ? Math.exp(value) : value));
}

// The rows of a resample: those of weight above zero, with prior means of its own.
export function resampled(problem, weights, mean = problem.mean) {
  const { law, rows, logZ, logError } = problem;
  const kept = [];
  weights.forEach((w, i) => w > 0 && kept.push(i));
  const logs = new Float64Array(law.factors.length * kept.length);
  for (let k = 0; k < law.factors.length; k++)
    kept.forEach((row, i) => (logs[k * kept.length + i] = logZ[k * rows + row]));
  return {
    ...problem, logZ: logs, rows: kept.length, mean,
    logError: Float64Array.from(kept, (i) => logError[i]),
    root: Float64Array.from(kept, (i) => Math.sqrt(weights[i])),
    bottom: toSearch(problem, problem.low), top: toSearch(problem, problem.high),
  };
}

export const whole = (problem) => resampled(problem, new Float64Array(problem.rows).fill(1));

// Fill hessian with J J' and slope with J f for J of size x rows. Four sums at once share their
// reads and wait for no addition of one another: the engine spends half its time here.
function crossProducts(jacobian, f, size, rows, hessian, slope) {
  for (let p = 0; p < size; p++) {
    const at = p * rows;
    let s = 0;
    for (let i = 0; i < rows; i++) s += jacobian[at + i] * f[i];
    slope[p] = s;
    for (let q = 0; q <= p; q += 4) { // beyond p: rows that are there, and sums that are dropped
      const one = q * rows, two = Math.min(q + 1, p) * rows;
      const three = Math.min(q + 2, p) * rows, four = Math.min(q + 3, p) * rows;
      let a = 0, b = 0, c = 0, d = 0;
      for (let i = 0; i < rows; i++) {
        const v = jacobian[at + i];
        a += v * jacobian[one + i];
        b += v * jacobian[two + i];
        c += v * jacobian[three + i];
        d += v * jacobian[four + i];
      }
      const line = p * size + q;
      hessian[line] = a;
      if (q + 1 <= p) hessian[line + 1] = b;
      if (q + 2 <= p) hessian[line + 2] = c;
      if (q + 3 <= p) hessian[line + 3] = d;
    }
    for (let q = 0; q < p; q++) hessian[q * size + p] = hessian[p * size + q];
  }
}

// Loss at x; fills the Gauss-Newton hessian and half the gradient, slope. Infinite where f is not.
function normalEquations(x, part, hessian, slope, work) {
  const { law, rows, logError, root, mean, precision } = part;
  const size = x.length;
  const terms = law.terms.length;
  const { f, jacobian, point } = work;
  for (let k = 0; k < size; k++) point[k] = k < terms ? Math.exp(x[k]) : x[k];
  evaluate(law, point, part.logZ, rows, f, jacobian);
  let loss = 0;
  for (let i = 0; i < rows; i++) {
    if (!(f[i] > 0 && f[i] < Infinity)) return Infinity;
    const r = root[i] * (Math.log(f[i]) - logError[i]);
    loss += r * r;
    f[i] = r;
  }
  for (let p = 0; p < size; p++) {
    const scale = p < terms ? point[p] : 1; // chain rule: d c / d log c = c
    for (let i = 0, at = p * rows; i < rows; i++) jacobian[at + i] *= scale * root[i];
  }
  crossProducts(jacobian, f, size, rows, hessian, slope);
  for (let p = 0; p < size; p++) {
    const miss = x[p] - mean[p];
    loss += precision[p] * miss * miss;
    slope[p] += precision[p] * miss;
    hessian[p * size + p] += precision[p];
  }
  return loss;
}

// Solve (H + damping diag H) step = -slope for the free parameters, the others moving by `moved`.
function dampedStep(hessian, slope, damping, free, moved, factor, step) {
  const size = slope.length;
  for (let p = 0; p < size; p++) {
    let total = -slope[p];
    for (let q = 0; q <= p; q++) {
      let entry = free[p] && free[q] ? hessian[p * size + q] : 0;
      if (p === q) entry = free[p] ? hessian[p * size + p] * (1 + damping) + 1e-14 : 1;
      for (let k = 0; k < q; k++) entry -= factor[p * size + k] * factor[q * size + k];
      factor[p * size + q] =
        p === q ? Math.sqrt(Math.max(entry, 1e-20)) : entry / factor[q * size + q];
    }
    for (let q = 0; q < size; q++) if (!free[q]) total -= hessian[p * size + q] * moved[q];
    if (!free[p]) total = 0;
    for (let k = 0; k < p; k++) total -= factor[p * size + k] * step[k];
    step[p] = total / factor[p * size + p];
  }
  for (let p = size - 1; p >= 0; p--) {
    let total = step[p];
    for (let k = p + 1; k < size; k++) total -= factor[k * size + p] * step[k];
    step[p] = total / factor[p * size + p];
  }
}

// A damped step that ends inside the box; returns the fall of the loss that the model predicts.
function boxedStep(x, hessian, slope, damping, { bottom, top }, work) {
  const { free, factor, step, moved } = work;
  const size = x.length;
  for (let p = 0; p < size; p++) {
    free[p] = (x[p] <= bottom[p] && slope[p] >= 0) || (x[p] >= top[p] && slope[p] <= 0) ? 0 : 1;
    moved[p] = 0;
  }
  for (let inside = false; !inside; ) {
    dampedStep(hessian, slope, damping, free, moved, factor, step);
    inside = true;
    for (let p = 0; p < size; p++) {
      const bound = Math.min(Math.max(x[p] + step[p], bottom[p]), top[p]);
      if (free[p] && bound !== x[p] + step[p]) {
        moved[p] = bound - x[p];
        free[p] = 0;
        inside = false;
      }
    }
  }
  for (let p = 0; p < size; p++) if (!free[p]) step[p] = moved[p];
  let predicted = 0;
  for (let p = 0; p < size; p++) {
    let curved = 0;
    for (let q = 0; q < size; q++) curved += hessian[p * size + q] * step[q];
    predicted -= step[p] * (2 * slope[p] + curved);
  }
  return predicted;
}

// What a descent writes to, for a problem and all its resamples, one after another.
function makeWork(size, rows) {
  const reals = (n) => new Float64Array(n);
  return {
    f: reals(rows), jacobian: reals(size * rows), point: reals(size),
    free: new Uint8Array(size), factor: reals(size * size), step: reals(size), moved: reals(size),
    hessians: [reals(size * size), reals(size * size)], slopes: [reals(size), reals(size)],
  };
}

// Fill `to` with where a step ends within the box.
function move(from, step, { bottom, top }, to) {
  for (let p = 0; p < to.length; p++)
    to[p] = Math.min(Math.max(from[p] + step[p], bottom[p]), top[p]);
}

// Levenberg-Marquardt from one start within `part`; ends after three steps in a row that each
// lower the loss by less than `tolerance` of it. Returns {x, loss}.
export function descend(start, part, tolerance = 1e-8, steps = 500) {
  const { work } = part;
  let [hessian, hessianNew] = work.hessians;
  let [slope, slopeNew] = work.slopes;
  let [x, trial] = [start.slice(), start.slice()];
  move(start, work.moved.fill(0), part, x);
  let loss = normalEquations(x, part, hessian, slope, work);
  let [damping, growth, stalls] = [1e-2, 2, 0];
  for (let count = 0; count < steps; count++) {
    const predicted = boxedStep(x, hessian, slope, damping, part, work);
    move(x, work.step, part, trial);
    const lossNew = normalEquations(trial, part, hessianNew, slopeNew, work);
    if (lossNew < loss) {
      const gain = predicted > 0 ? (loss - lossNew) / predicted : 0;
      stalls = loss - lossNew < tolerance * loss ? stalls + 1 : 0;
      [x, trial, loss] = [trial, x, lossNew];
      [hessian, hessianNew] = [hessianNew, hessian];
      [slope, slopeNew] = [slopeNew, slope];
      damping = Math.max(damping * Math.max(0.2, 1 - (2 * gain - 1) ** 3), 1e-12);
      growth = 2;
      if (stalls === 3) break;
    } else if (predicted <= 1e-13 * loss || damping > 1e16 || !(loss < Infinity)) break;
    else {
      damping *= growth;
      growth *= 2;
    }
  }
  return { x, loss };
}

const DIFFERENCE = 1e-5; // of a parameter, about which slopes are compared

// Newton's method from the end of a descent, with the central differences of the slopes as the
// curvature. A step that does not lower the loss is damped by the Gauss-Newton curvature, tenfold
// until it does. Returns {x, loss}.
export function finish({ x }, part, steps = 200) {
  const { work } = part;
  const size = x.length;
  let [hessian, other] = work.hessians;
  let [slope, above] = work.slopes;
  const [curvature, damped] = [new Float64Array(size * size), new Float64Array(size * size)];
  const below = new Float64Array(size);
  let [point, trial] = [x.slice(), x.slice()];
  let loss = normalEquations(point, part, hessian, slope, work);
  let damping = 0;
  for (let count = 0; loss < Infinity && count < steps; count++) {
    for (let p = 0; p < size; p++) {
      const middle = point[p];
      const gap = DIFFERENCE * (1 + Math.abs(middle));
      point[p] = middle + gap;
      let worst = normalEquations(point, part, other, above, work);
      point[p] = middle - gap;
      worst += normalEquations(point, part, other, below, work);
      point[p] = middle;
      if (!(worst < Infinity)) return { x: point, loss };
      for (let q = 0; q < size; q++) curvature[p * size + q] = (above[q] - below[q]) / (2 * gap);
    }
    let lossNew;
    for (;;) {
      for (let p = 0; p < size; p++)
        for (let q = 0; q < size; q++)
          damped[p * size + q] = (curvature[p * size + q] + curvature[q * size + p]) / 2 +
            (p === q ? damping * hessian[p * size + p] : 0);
      boxedStep(point, damped, slope, 0, part, work);
      move(point, work.step, part, trial);
      lossNew = normalEquations(trial, part, other, above, work);
      if (lossNew < loss || damping > 1e8) break;
      damping = Math.max(1e-4, 10 * damping);
    }
    if (!(lossNew < loss)) break;
    [point, trial, loss] = [trial, point, lossNew];
    [slope, above] = [above, slope];
    [hessian, other] = [other, hessian];
    damping = damping > 1e-3 ? damping / 100 : 0;
  }
  return { x: point, loss };
}

// Posterior over prior variance of every parameter, v_q [(J J' + diag v)^-1]_qq at theta.
function priorShares(problem, theta) {
  const part = whole(problem);
  const { factor, free, hessians: [hessian], moved, slopes: [slope], step } = part.work;
  normalEquations(toSearch(problem, theta), part, hessian, slope, part.work);
  free.fill(1);
  return problem.precision.map((precision, k) => {
    slope.fill(0)[k] = -1;
    dampedStep(hessian, slope, 0, free, moved, factor, step); // a column of the inverse
    return precision * step[k];
  });
}

// How many parameters the runs decide, each counted by the share that they decide.
export const parametersSpent = (problem, theta) =>
  priorShares(problem, theta).reduce((sum, share) => sum + 1 - share, 0);

// SD of log error about predictions, where so many parameters were spent on it.
export function noiseAbout(problem, predicted, spent) {
  let squares = 0;
  for (let i = 0; i < problem.rows; i++)
    squares += (problem.logError[i] - Math.log(predicted[i])) ** 2;
  return Math.sqrt(squares / Math.max(problem.rows - spent, 1));
}

function residualNoise(problem, theta) {
  const f = new Float64Array(problem.rows);
  evaluate(problem.law, theta, problem.logZ, problem.rows, f,
    new Float64Array(theta.length * problem.rows));
  return noiseAbout(problem, f, parametersSpent(problem, theta));
}

// Starts of one fit: the prior's mean and draws from it, as `x`.
export function startPoints(problem, mean, options, random) {
  const drawn = Array.from({ length: options.few_starts - 1 }, () =>
    Float64Array.from(problem.mean, (m, k) => random.normal(m, problem.sd[k]))
  );
  return [Float64Array.from(mean), ...drawn].map((x) => toSearch(problem, fromSearch(problem, x)));
}

// The best of the starts, theta in the options' units: {theta, loss}.
export function fitLaw(law, rows, options, random) {
  const problem = makeProblem(law, rows, options);
  const part = whole(problem);
  const found = startPoints(problem, problem.mean, options, random).map((x) => descend(x, part));
  const best = finish(found.reduce((a, b) => (b.loss < a.loss ? b : a)), part);
  if (!(best.loss < Infinity)) throw new FitError(`none of the ${found.length} starts of law '${law.name}' ended finite`);
  const theta = fromSearch(problem, best.x);
  const back = logUnits(law, options).map((unit, k) => unit - problem.centre[k]);
  return { law, theta: changeUnits(law, theta, back), loss: best.loss };
}

export const logUnits = (law, { units }) => law.factors.map((f) => Math.log(units[f] ?? 1));
