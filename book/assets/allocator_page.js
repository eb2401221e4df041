// The allocator's page: takes the question from allocator_form.js, asks allocator.js (and
// allocator_served.js for a family), and shows the answer. Runs once, after the data and the others.
//
// The first answer is the headline: the design and its price, as text in the document.
// The tables and curves follow when that has been painted. Marks in the page's performance timeline:
// allocator-started, allocator-answered-headline, allocator-answered-whole.
"use strict";

(() => {
  performance.mark("allocator-started");
  const data = window.VVLM_ALLOCATOR;
  const form = vvlmForm.bind(data, document.getElementById("allocator"));
  const dial = document.getElementById("allocator").elements.dial;
  const status = document.getElementById("allocator-status");
  const result = document.getElementById("allocator-result");
  const { PAPER, UNITS } = vvlmForm;
  const { budgetAt, number } = vvlmChart;
  const POINTS = 60; // of a curve
  const REACH = [2e12, 100e12]; // FLOPs that the paper's curves and slider span

  const between = ([low, high], share) => low * (high / low) ** share;
  function roundUp(x, digits = 4) {
    const near = Number(x.toPrecision(digits));
    const step = 10 ** (Math.floor(Math.log10(x)) - digits + 1);
    return near < x ? Number((near + step).toPrecision(digits)) : near;
  }

  // ---- a question and its answer -----------------------------------------------------------------

  // How the page asks of a state: the question, budget and spans in the budget's unit, what FLOPs
  // or a design come to in each unit, and the words of a price.
  function ofPaper(state) {
    const { question, budget } = vvlmForm.asQuestion(data, state);
    const amount = vvlmForm.readNumber(state.budget);
    const flopsIn = (unit) =>
      vvlmForm.asQuestion(data, { ...state, unit, budget: "1" }).budget;
    const one = flopsIn(state.unit);
    const rates = Object.fromEntries(Object.keys(UNITS).map((unit) => [unit, 1 / flopsIn(unit)]));
    const also = state.unit === "tflops" ? "" : ` (${number(amount, 4)} ${UNITS[state.unit]})`;
    return {
      question, budget, span: REACH.map((flops) => flops / one), rates: () => rates,
      amountOf: (row) => row.budget_flops / one, axisBudget: budget / one,
      budgetsOf: (amounts) => amounts.map((a) => a * one),
      spent: ({ best }) =>
        `${number(best.cost_flops / 1e12)} of ${number(budget / 1e12)} TFLOPs per video${also}`,
      refusal: (least) =>
        `${number(budget / 1e12)} TFLOPs per video buy no design: the cheapest costs ` +
        `${number(least / 1e12)} TFLOPs.`,
    };
  }

  function ofFamily(state) {
    const { question, budget, asked } = vvlmForm.asQuestion(data, state);
    const { found, short, tooLarge } = vvlmServed.designs(data, asked);
    const unit = UNITS[state.unit];
    if (!found.length) return { impossible: noneFits(short, asked) };
    const candidates = found.map((d) => ({ ...d, cost_flops: d[state.unit] }));
    const costs = candidates.map((d) => d.cost_flops);
    return {
      asked, tooLarge, question: { ...question, candidates }, budget,
      span: [roundUp(Math.min(...costs), 3), roundUp(Math.max(...costs), 3)],
      rates: ({ best }) => best ?? candidates[costs.indexOf(Math.min(...costs))], amountOf: (row) => row.budget_flops, axisBudget: budget,
      budgetsOf: (amounts) => amounts,
      spent: ({ best }) => `${number(best.cost_flops, 4)} of ${number(budget, 4)} ${unit}`,
      refusal: (least) =>
        `${number(budget, 4)} ${unit} buy nothing: the cheapest design costs ` +
        `${number(roundUp(least), 4)}. Raise the budget, or take another family or server.`,
    };
  }

  function noneFits(short, { server, clip }) {
    if (!short)
      return { duration: `A clip of ${clip.duration} s has too few frames: give a longer one.` };
    const devices = Math.ceil((short.short / short.room) * server.devices);
    const [needs, has] = [short.short, short.room].map((bytes) => number(bytes / 1e9));
    return {
      device:
        `No model fits: ${short.model.name} needs ${needs} GB, and ${has} GB can be used. ` +
        `Take ${devices} devices, a larger accelerator, or allow a smaller model.`,
    };
  }

  // ---- what is shown -----------------------------------------------------------------------------

  function paperCommand(state, budget) {
    const sizes = state.lm.split(",").map((size) => ` --lm-params ${size}e9`).join("");
    const n = vvlmForm.readNumber(state.examples);
    return (
      `vvlm frontier paper --tflops ${number(budget / 1e12, 6)} --train-examples ${n}` +
      `${sizes} --cost ${state.cost} --epsilon ${state.epsilon} --level ${state.level / 100}`
    );
  }

  function familyCommand(state, { family, models, clip, server, text }, budget) {
    const option = { tflops: "tflops", seconds: "seconds", dollars: "dollars-per-million" };
    const all = models.length === data.served.families[family].length;
    const named = all ? "" : models.map((name) => ` --model ${name}`).join("");
    return (
      `vvlm choose --family ${family}${named} --${option[state.unit]} ${budget} ` +
      `--train-examples ${vvlmForm.readNumber(state.examples)} --duration ${clip.duration} ` +
      `--resolution ${clip.width}x${clip.height} --accelerator ${server.device} ` +
      `--devices ${server.devices} --price ${server.price} --utilisation ${server.utilisation} ` +
      `--cores ${server.cores} --prompt-tokens ${text.prompt} --answer-tokens ${text.answer}`
    );
  }

  function showRest(given, state, asking) {
    const { asked, question, span, budgetsOf } = asking;
    const served = Boolean(asked);
    const amounts = Array.from({ length: POINTS }, (_, i) => between(span, i / (POINTS - 1)));
    const curve = vvlmAllocator
      .curve(data, question, [asking.budget, ...budgetsOf(amounts)])
      .map((row) => ({ ...row, amount: asking.amountOf(row) }));
    const axis = { budget: asking.axisBudget, unit: UNITS[state.unit] };
    const s = vvlmShow;
    if (served) {
      const rule = data.served.rules[given.best.model.rule];
      const models = data.served.families[state.family];
      const names = Object.fromEntries(models.map((m) => [m.lm_params, m.name]));
      const price = [UNITS[state.unit], (d) => number(d.cost_flops, 4)];
      result.replaceChildren(
        s.drawn(given, rule, asked.clip), s.flags(data, given, asked),
        s.takes(given, asked.text, asked.server), s.caution(data), s.reach(given),
        ...s.unfit(asking.tooLarge),
        s.votes(given, names), s.spread(given), s.asGood(given, state, price, true),
        s.chart(curve, state, axis, true), s.along(curve, UNITS[state.unit], true),
        ...(state.task === "avg" ? [s.command(familyCommand(state, asked, asking.budget))] : [])
      );
    } else {
      const price = ["TFLOPs", (d) => s.tflops(d.cost_flops)];
      result.replaceChildren(
        s.drawn(given), s.reach(given), s.votes(given), s.spread(given),
        s.asGood(given, state, price), s.steps(given), s.chart(curve, state, axis, false),
        s.along(curve, UNITS[state.unit], false),
        ...(state.task === "avg" ? [s.command(paperCommand(state, asking.budget))] : [])
      );
    }
    result.setAttribute("aria-busy", false);
    performance.mark("allocator-answered-whole");
  }

  // ---- the headline at once, the rest after it ---------------------------------------------------

  let turn = 0; // questions so far; what belongs to an earlier one is not shown any more
  let anchor = null; // the budget as it was last given, and what its design comes to in each unit
  let span = null; // of the slider

  // Mark the fields at fault, say what is wrong, and take the old answer away.
  function refuse(found) {
    form.mark(found);
    status.textContent = Object.values(found).join(" ");
    status.classList.add("allocator-refused");
    result.replaceChildren();
    result.setAttribute("aria-busy", false);
  }

  // A change of unit converts the number: by the price of the design that it bought.
  function convert(state) {
    if (!anchor) return;
    const { text, unit, rates } = anchor;
    const amount = (vvlmForm.readNumber(text) * rates[state.unit]) / rates[unit];
    if (state.unit === unit) form.write({ budget: text });
    else if (amount > 0 && Number.isFinite(amount)) form.write({ budget: String(roundUp(amount)) });
  }

  function setDial(state) {
    const at = Math.log(vvlmForm.readNumber(state.budget) / span[0]) / Math.log(span[1] / span[0]);
    dial.value = Math.round(1000 * Math.min(1, Math.max(0, at || 0)));
    dial.setAttribute("aria-valuetext", `${state.budget} ${UNITS[state.unit]}`);
  }

  // changed: the name of the field that moved, "" where the state came from elsewhere
  function update(changed = "") {
    const now = ++turn;
    if (changed === "unit") convert(form.read());
    if (changed === "dial" && span)
      form.write({ budget: number(between(span, dial.value / 1000)) });
    const state = form.read();
    const found = vvlmForm.faults(data, state);
    if (Object.keys(found).length) return refuse(found);
    const asking = state.family === PAPER ? ofPaper(state) : ofFamily(state);
    if (asking.impossible) return refuse(asking.impossible);
    span = asking.span;
    if (changed !== "dial") setDial(state);
    const given = vvlmAllocator.answer(data, asking.question, asking.budget);
    if (changed !== "unit")
      anchor = { text: state.budget, unit: state.unit, rates: asking.rates(given) };
    if (given.refused) return refuse({ budget: asking.refusal(given.refused) });
    form.mark({});
    status.classList.remove("allocator-refused");
    const say = asking.asked ? vvlmShow.servedHeadline : vvlmShow.headline;
    status.textContent = say(given, state, asking.spent(given), asking.tooLarge);
    performance.mark("allocator-answered-headline");
    result.setAttribute("aria-busy", true); // what stands there answers the question before
    const rest = () => now === turn && showRest(given, state, asking);
    requestAnimationFrame(() => setTimeout(rest)); // once the headline has been painted
  }

  // A state is put in the address once it stands still, so that Back undoes it.
  const commit = (first) => form.keep(form.read(), first === true);

  async function copy(button, text) {
    const words = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = document.createElement("textarea"); // pages from a disk may not ask
      field.value = text;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = words), 1500);
  }

  form.listen({ update, commit, focus: () => status.focus() });
  document.getElementById("allocator-copy").addEventListener("click", ({ currentTarget }) => {
    commit();
    copy(currentTarget, location.href);
  });
  result.addEventListener("click", ({ target, clientX }) => {
    if (target.dataset.copy) return copy(target, target.dataset.copy);
    const svg = target.closest(".allocator-chart svg");
    if (!svg) return;
    form.write({ budget: number(budgetAt(svg, clientX)) });
    update("budget");
    commit();
  });
  update();
  commit(true);
})();
