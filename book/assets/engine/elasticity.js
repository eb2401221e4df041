// How the best design moves when there is more data: vvlm_utils/frontier/elasticities.py, asked
// within the runs as advice/answer.py asks it, and in the words of advice/sentences/report.py.
import { DATA } from "./law.js";
import { affordable, curveBudgets, quantile, walk } from "./solver.js";
import { FACTORS } from "./table.js";
import { largest, least, mean } from "./prepare.js";
import { sayLevel, sayName } from "./text.js";

const SIZES = 6; // training-set sizes, from the runs' least up to half of the way to their most

// Whether the best design can move with n: terms of the design depend on n in unlike ways.
function movesWithData(law) {
  const found = law.terms
    .filter(({ powers }) => powers.some((p) => p.factor !== DATA))
    .map(({ powers }) => powers.filter((p) => p.factor === DATA).map((p) => p.exponent).sort().join());
  return new Set(found).size > 1;
}

// {rows: factor, value, low, high; sentence, asked} of a model that is held at levels, over a space:
// the per cent by which the best value of a factor moves when n grows by one per cent, as an arc;
// value is the median member's.
export function moveWithData(model, space, prepared, level, names) {
  if (!prepared.data) return { rows: [], sentence: "The training examples never moved." };
  const sizes = prepared.runs.map((row) => row[DATA]);
  const [low, high] = [least(sizes), largest(sizes)];
  const step = (high - low) / 2;
  const question = { space, price: prepared.price, epsilon: 0, budgets: curveBudgets(prepared, space) };
  const bought = affordable(space, prepared.price, largest(question.budgets));
  const known = new Map(); // paths by n: n + step is often the next n
  const pathsAt = (n) => {
    const key = n.toFixed(3);
    if (!known.has(key)) known.set(key, bestValues(walk(model, { ...question, examples: n }, bought)));
    return known.get(key);
  };
  const each = Array.from({ length: SIZES }, (_, k) => {
    const n = low + (k * (high - low - step)) / (SIZES - 1);
    const [here, there] = [pathsAt(n), pathsAt(n + step)];
    return FACTORS.map((_f, f) => here[f].map((own, m) =>
      mean(own.map((log, b) => there[f][m][b] - log)) / Math.log1p(step / n)
    ));
  });
  const rows = FACTORS.map((factor, f) => {
    const members = each[0][f].map((_, m) => mean(each.map((moves) => moves[f][m])));
    const sorted = Float64Array.from(members).sort();
    const [low, value, high] = [1 - level, 1, 1 + level].map((twice) => quantile(sorted, twice / 2));
    return { factor, value, low, high };
  });
  return { rows, asked: `asked within the runs, up to ${sayLevel(high)} examples`,
    sentence: sayElasticity(rows, space, model.parts.map(({ law }) => law), names) };
}

// Logarithms of the best design's factors: factors x members x budgets.
function bestValues({ designs, stops }) {
  const chosen = Array.from(stops[0].own, (_, m) => stops.map((stop) => stop.own[m]));
  return FACTORS.map((f) => chosen.map((places) => places.map((d) => Math.log(designs[d][f]))));
}

function sayElasticity(rows, space, laws, names) {
  if (!laws.some(movesWithData))
    return "With more training data the best design stays as it is, but only because law " +
      `${laws[0].name} has no term in which a factor meets the data: the runs were not asked.`;
  const way = ({ factor, ...row }) => {
    if (space[factor].length === 1) return "never moved in these runs";
    const [low, high] = [row.low, row.high].map((x) => Number(x.toFixed(9))); // sums that cancel
    if (low === 0 && high === 0) return "stays";
    return low > 0 ? "should rise" : high < 0 ? "should fall" : "is open";
  };
  const said = rows.map((row) => `${sayName(names, row.factor)} ${way(row)}`).join(", ");
  return `With more training data and the same budget: ${said}.`;
}
