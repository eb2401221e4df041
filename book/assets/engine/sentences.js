// What a report says of a frontier, in words: vvlm_utils/advice/sentences.py.
import { general, sayDesign, sayLevel } from "./text.js";

export function sayModel({ parts }) {
  const names = parts.map(({ law }) => law.name);
  const how = "fitted with weak priors to resampled designs";
  if (names.length === 1) return `The law is ${names[0]}, as asked, ${how}.`;
  return `The answers pool ${names.slice(0, -1).join(", ")} and ${names.at(-1)} in equal shares, each ${how}.`;
}

export const unitOf = (flops, units) => units.find(([, size]) => flops >= size) ?? units.at(-1);

const fixed = (value, digits) => value.toFixed(digits);

// A sentence for the lowest, a middle and the highest budget.
export function sayQuestion({ rows, epsilon }, prepared, asked, { rules }) {
  const points = prepared.unit === "points" ? " points" : "";
  const digits = prepared.unit === "points" ? 1 : 3;
  const name = prepared.unit === "loss" ? "loss" : "error";
  const places = new Set([0, rows.length >> 1, rows.length - 1]);
  const [unit, size] = unitOf(rows[rows.length >> 1].budget_flops, rules.units);
  return [...places].map((k) => rows[k]).filter(Boolean).map((row) => {
    const others = row.within_epsilon === 1 ? "no other design lies" : row.within_epsilon === 2
      ? "one other design lies" : `${row.within_epsilon - 1} other designs lie`;
    return `At ${general(row.budget_flops / size, 3)} ${unit} per video and ` +
      `${sayLevel(asked.examples)} training examples, deploy ` +
      `${sayDesign({ ...row, ...asked.at }, prepared.further)}: predicted ${name} ` +
      `${fixed(row.error, digits)}${points} (${fixed(row.error_low, digits)} to ` +
      `${fixed(row.error_high, digits)}); ${Math.round(100 * row.probability)}% of the refits agree ` +
      `on the LM size, and ${others} within ${general(epsilon, 2)}${points}.`;
  });
}
