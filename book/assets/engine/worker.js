// What the page asks of the engine, as messages of a worker: every message {step, ...} is a part
// of the answer, and {refused} its end where a table cannot be used.
import { Random } from "./random.js";
import { fitLaw, FitError } from "./fit.js";
import { asMix, findLaw, fitModel, lawsOver } from "./bag.js";
import { RunsError } from "./csv.js";
import { EXAMPLES } from "./table.js";
import { largest, least, prepare, runCosts } from "./prepare.js";
import { ask, atLevels, defaultEpsilon, heldLevels, roundBudgets } from "./solver.js";
import { nextRuns, trainingFlops } from "./next_runs.js";
import { moveWithData } from "./elasticity.js";
import { audit, compareLaws } from "./audit.js";
import { fitRecord } from "./files.js";
import { sayModel, sayQuestion } from "./sentences.js";

const MOST_PLANNED = 6; // runs to do next
const FIRST_STARTS = 8; // of the single fit that answers first
const FITS = [10, 0.35]; // what the mix takes, in times of that fit: at all, and for each refit

// Prepare, audit, fit and answer; `say` is called with every part as it is known.
export function analyse({ bytes, name, choices }, data, say) {
  const prepared = prepare(bytes, name, choices, data);
  const seed = choices.seed ?? 0;
  const audited = audit(prepared, data, new Random(seed));
  say({ step: "audit", rows: prepared.checked.length, sentences: audited.sentences,
    notes: prepared.notes, unit: prepared.unit, factors: prepared.factors });
  if (!prepared.factors.length)
    throw new RunsError(`${name}: no factor of the design moves, so no law of it can be fitted; add ` +
      "runs of other designs");
  checkSupport(audited, name);
  const levels = heldLevels(prepared, data.rules.most_held);
  const flops = runCosts(prepared);
  const asked = {
    budgets: choices.budgets?.length ? choices.budgets : roundBudgets(least(flops), largest(flops)),
    examples: choices.examples ?? largest(prepared.runs.map((row) => row[EXAMPLES])),
    level: choices.level ?? 0.8, at: choices.at ?? levels[0], levels,
  };
  const laws = lawsOver(data, prepared.factors, prepared.data);
  const first = choices.law ? findLaw(data, prepared, choices.law)
    : Object.values(laws).find((law) => data.recommended.includes(law.name)) ?? Object.values(laws)[0];
  const quick = { ...data.options, few_starts: FIRST_STARTS };
  const members = choices.members ?? (choices.law ? data.law_members : data.members);
  const began = performance.now();
  const single = asMix(data, prepared, fitLaw(first, prepared.runs, quick, new Random(seed)));
  const seconds = ((FITS[0] + FITS[1] * members) * (performance.now() - began)) / 1000;
  say({ step: "first", law: first.name, seconds, answer: answerOf(single, prepared, asked, data) });
  const progress = (share) => say({ step: "progress", share });
  const model = fitModel(data, prepared, choices, new Random(seed), progress);
  const compared = compareLaws(prepared, audited, data, new Random(seed));
  const { model: held, space } = atLevels(model, prepared, asked.at);
  say({ step: "answer", answer: answerOf(model, prepared, asked, data), compared, model: sayModel(model),
    moved: moveWithData(held, space, prepared, asked.level, data.rules.factor_names),
    next: planOf(held, space, prepared, asked, choices, data),
    fit: fitRecord(model, prepared, data) });
  return { prepared, model, asked };
}

// What to run next for a training budget, a tenth of what the table's runs took where none is given;
// or why no run can be named.
function planOf(held, space, prepared, asked, choices, data) {
  const all = trainingFlops(prepared) / 10;
  const train_flops = choices.train_flops ?? Number(all.toPrecision(2));
  const plan = { train_flops, most: MOST_PLANNED };
  try {
    return { ...plan, rows: nextRuns(held, space, prepared, { ...asked, ...plan }, data.next_runs) };
  } catch (fault) {
    if (!(fault instanceof RunsError)) throw fault;
    return { ...plan, refused: fault.message, rows: [] };
  }
}

function checkSupport({ laws }, name) {
  if (laws.some((s) => s.status !== "no")) return;
  throw new RunsError(`${name}: the table supports no law: ${laws[0].why}`);
}

function answerOf(model, prepared, asked, data) {
  const epsilon = asked.epsilon ?? defaultEpsilon(model, prepared);
  const found = ask(model, prepared, { ...asked, epsilon });
  if (!found.rows.length)
    throw new RunsError(`the budgets buy no design: the cheapest costs ` +
      `${(found.cheapest / 1e12).toPrecision(3)} TFLOPs`);
  return { ...found, examples: asked.examples, at: asked.at, levels: asked.levels,
    unit: prepared.unit, ranges: model.ranges,
    sentences: sayQuestion(found, prepared, asked, data) };
}

// Serve a worker's scope: each message is one analysis.
export function serve(scope, data) {
  scope.onmessage = ({ data: question }) => {
    let last = 0;
    const say = (message) => {
      if (message.step === "progress") { // at most twenty times a second
        const now = Date.now();
        if (now - last < 50) return;
        last = now;
      }
      scope.postMessage(message);
    };
    try {
      analyse(question, data, say);
      say({ step: "done" });
    } catch (fault) {
      const known = fault instanceof RunsError || fault instanceof FitError;
      say({ step: "refused", message: known ? fault.message : `the engine failed: ${fault.message}`, known });
    }
  };
}
