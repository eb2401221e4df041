// The allocator's form: a question in its fields, and the same question in the page's address.
//
// state: what the fields say, as text, by their names; the LM sizes as billions joined by commas
"use strict";

const vvlmForm = (() => {
  const inBillions = (size) => String(size / 1e9);
  const defaults = (data) => ({
    budget: "10", unit: "tflops", device: Object.keys(data.accelerators)[0], utilisation: "40",
    price: "2", examples: "0.5", lm: data.trained.map(inBillions).join(","),
    task: "avg", cost: "paper", epsilon: String(data.noise), level: "80",
  });
  const POSITIVE = {
    budget: "The budget", examples: "The number of examples",
    utilisation: "The share of the peak", price: "The price of an hour",
  };

  const MOST_FLOPS = 1e18; // per video, as vvlm_utils takes; more is a slip
  const MOST_EXAMPLES = 1e12;

  // What is wrong with a state, by field; an empty object when nothing is.
  function faults(data, state) {
    const found = {};
    for (const [name, what] of Object.entries(POSITIVE)) {
      const value = Number(state[name]);
      if (!(value > 0 && Number.isFinite(value))) found[name] = `${what} must be a number above 0.`;
    }
    const examples = 1e6 * state.examples;
    if (!found.examples && !(examples >= 1 && examples <= MOST_EXAMPLES))
      found.examples = "The number of examples must lie between 1 and 10^12: " +
        "0.000001 to 1,000,000 million.";
    if (Number(state.utilisation) > 100)
      found.utilisation = "The share of the peak must be at most 100%.";
    if (!state.epsilon || !(Number(state.epsilon) >= 0))
      found.epsilon = "The difference that counts as none must be 0 or more.";
    else if (Number(state.epsilon) > 100)
      found.epsilon = "The difference that counts as none must be at most 100 points.";
    if (!state.lm) found.lm = "Allow at least one LM size.";
    if (Object.keys(found).length) return found;
    const { budget } = asQuestion(data, state);
    if (!(budget >= 1 && budget < MOST_FLOPS))
      found.budget = "The budget must come to between 1 and 10^18 FLOPs per video: " +
        "at most 1,000,000 TFLOPs.";
    return found;
  }

  // A state without faults as a question for allocator.js, and its budget in FLOPs per video.
  function asQuestion(data, state) {
    const wanted = state.lm.split(",");
    const question = {
      task: state.task, cost: state.cost,
      sizes: data.lm_sizes.filter((size) => wanted.includes(inBillions(size))),
      examples: 1e6 * state.examples, epsilon: Number(state.epsilon), level: state.level / 100,
    };
    const budget = vvlmAllocator.budgetFlops(data, {
      amount: Number(state.budget), unit: state.unit, device: state.device,
      utilisation: state.utilisation / 100, price: Number(state.price),
    });
    return { question, budget };
  }

  // The form of a page, filled from the address or as usual; the choices come from the data.
  function bind(data, form) {
    const usual = defaults(data);
    const boxes = () => [...form.querySelectorAll("input[name=lm]")];
    const tick = (sizes) => boxes().forEach((box) => (box.checked = sizes.includes(box.value)));

    function addChoices() {
      const { element } = vvlmChart;
      for (const size of data.lm_sizes) {
        const box = element("input", { type: "checkbox", name: "lm", value: inBillions(size) });
        const note = data.trained.includes(size) ? "" : " (no run)";
        const label = element("label", {}, box, ` ${inBillions(size)}B${note}`);
        document.getElementById("allocator-sizes").append(label);
      }
      for (const name of Object.keys(data.accelerators))
        form.elements.device.append(element("option", { value: name }, name));
    }

    // Only the fields that the unit of the budget asks for.
    function show() {
      for (const label of form.querySelectorAll("[data-units]"))
        label.hidden = !label.dataset.units.split(" ").includes(form.elements.unit.value);
    }

    function write(state) {
      for (const [name, text] of Object.entries(state)) form.elements[name].value = text;
      show();
    }

    // What the address lacks, or a list does not offer, is as usual.
    function restore() {
      const wanted = new URLSearchParams(location.hash.slice(1));
      for (const [name, value] of Object.entries(usual)) {
        const text = wanted.get(name) ?? value;
        if (name === "lm") tick(text.split(","));
        else {
          form.elements[name].value = text;
          if (!form.elements[name].value) form.elements[name].value = value;
        }
      }
      show();
    }

    function read() {
      const names = Object.keys(usual).filter((name) => name !== "lm");
      const state = Object.fromEntries(names.map((name) => [name, form.elements[name].value]));
      return { ...state, lm: boxes().filter((b) => b.checked).map((b) => b.value).join(",") };
    }

    function keep(state) {
      const query = new URLSearchParams(state).toString().replaceAll("%2C", ",");
      if (location.hash.slice(1) !== query) history.replaceState(null, "", `#${query}`);
    }

    function mark(found) {
      for (const field of form.querySelectorAll("input")) {
        if (field.name in found) field.setAttribute("aria-invalid", "true");
        else field.removeAttribute("aria-invalid");
      }
    }

    function listen(update, focus) {
      let waiting = 0;
      form.addEventListener("input", () => {
        show();
        cancelAnimationFrame(waiting);
        waiting = requestAnimationFrame(update);
      });
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        update();
        focus();
      });
      form.addEventListener("click", ({ target }) => {
        const lists = { trained: data.trained, paper: data.space.lm_params };
        if (!(target.dataset.sizes in lists)) return;
        tick(lists[target.dataset.sizes].map(inBillions));
        update();
      });
      window.addEventListener("hashchange", () => {
        restore();
        update();
      });
    }

    addChoices();
    restore();
    form.hidden = false;
    return { read, write, keep, mark, listen };
  }

  return { bind, faults, asQuestion };
})();
