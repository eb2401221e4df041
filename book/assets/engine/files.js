// The fit as a file that `vvlm frontier` reads: vvlm_utils/laws/bag_io.py and advice/fit_file.py.
import { EXAMPLES, FACTORS } from "./table.js";

const plainLaw = ({ name, factors, terms, norm }) => ({ name, factors, terms, norm: norm ?? null });

export function fitRecord({ parts, aggregate, ranges }, prepared, data) {
  const { fit_file: file, version } = data;
  const sizes = [...new Set(prepared.runs.map((row) => row.lm_params))].sort((a, b) => a - b);
  const head = (format) => ({ format, version: file.version, vvlm_utils: version });
  const record = (part) => ({
    ...head(file.bag), law: plainLaw(part.law), parameters: part.law.parameters,
    options: file.options, resampling: "designs", aggregate, failed: part.failed, rows: part.rows,
    ranges, lm_sizes: sizes, at_bounds: part.atBounds, losses: part.losses,
    noise: Number.isFinite(part.noise) ? part.noise : null,
    members: part.members.map((member) => Array.from(member)),
  });
  const table = tableRecord(prepared);
  if (parts.length === 1) return { ...record(parts[0]), table };
  const weights = parts.map(() => 1 / parts.length);
  return { ...head(file.mix), aggregate, weights, parts: parts.map(record), table };
}

function tableRecord({ name, task, unit, further, notes, price, space, runs }) {
  const columns = ["sweep", "target_tflops", ...FACTORS, ...further, EXAMPLES, "error"];
  if ("cost_flops" in runs[0]) columns.push("cost_flops");
  return {
    name, task, unit, further, notes, own_cost: price === null,
    price: price && { name: price.name, tower: price.tower },
    space: price === null ? null : Object.fromEntries(FACTORS.map((f) => [f, space[f]])),
    runs: Object.fromEntries(columns.map((c) => [c, runs.map((row) => row[c])])),
  };
}
