// The allocator's form: a question in its fields, and the same question in the page's address.
//
// state: what the fields say, as text, by their names; `lm` are LM sizes in billions and `models`
// the names of served models, joined by commas; family "" stands for the paper's models
"use strict";

const vvlmForm = (() => {
  const { readNumber } = vvlmEngine();
  const inBillions = (size) => String(size / 1e9);
  const PAPER = ""; // the family of the paper's own models
  const UNITS = {
    tflops: "TFLOPs per video", seconds: "seconds per video",
    dollars: "dollars per million videos",
  };

  const namesOf = (data, family) => (data.served.families[family] ?? []).map((m) => m.name);

  const defaults = (data) => ({
    family: PAPER, budget: "10", unit: "tflops", examples: "500k",
    duration: "10", resolution: "1280x720", prompt: "50", answer: "100",
    device: Object.keys(data.accelerators)[0], devices: "1", price: "2", utilisation: "40",
    cores: "8", lm: data.trained.map(inBillions).join(","), models: "",
    task: "avg", cost: "paper", epsilon: String(data.noise), level: "80",
  });

  // ---- values as people write them -------------------------------------------------------------

  // Width and height of 1280x720, or null.
  function readResolution(text) {
    const [, width, height] = text.trim().match(/^(\d{1,6})\s*[x×]\s*(\d{1,6})$/i) ?? [];
    return width ? { width: Number(width), height: Number(height) } : null;
  }

  // ---- what is wrong ---------------------------------------------------------------------------

  // Fields with a number: what it is, the least and the most that make sense, whether it is whole.
  const FIELDS = {
    budget: { what: "The budget", most: 1e18, example: "10 or 0.5k" },
    examples: {
      what: "The number of finetuning examples", least: 1, most: 1e12, example: "500k or 0.5M",
    },
    duration: { what: "The length of the clip, in seconds,", most: 86400, example: "10" },
    prompt: { what: "The question, in tokens,", zero: true, most: 1e7, example: "50", whole: true },
    answer: { what: "The answer, in tokens,", zero: true, most: 1e7, example: "100", whole: true },
    devices: { what: "The number of devices", least: 1, most: 1e4, example: "1", whole: true },
    price: { what: "The price of an hour", least: 1e-4, most: 1e5, example: "2.50" },
    utilisation: { what: "The share of the peak", least: 1e-4, most: 100, example: "40" },
    cores: { what: "The number of CPU cores", least: 1, most: 1e5, example: "8", whole: true },
    epsilon: {
      what: "The difference that counts as none", zero: true, most: 100, example: "0.4",
    },
  };
  const TINY = 1e-9;

  // A number in words that a reader can check: 1,000,000 or 10^18.
  function inWords(x) {
    if (x === Infinity) return "more than 10^308";
    if (x >= 1e15 || (x > 0 && x < 1e-4)) {
      const [digits, power] = x.toExponential().split("e");
      return `${digits === "1" ? "" : `${Number(digits).toPrecision(3)} x `}10^${Number(power)}`;
    }
    return x.toLocaleString("en-US", { maximumSignificantDigits: 6 });
  }

  function faultOf(name, text) {
    const { what, least = TINY, most, zero, whole, example } = FIELDS[name];
    const value = readNumber(text);
    if (Number.isNaN(value)) {
      const comma = /\d,\d/.test(text) ? " A comma parts thousands: write 0.5, not 0,5." : "";
      return `${what} must be a number, as in ${example}; “${text}” is none.${comma}`;
    }
    if (value < 0 || (!zero && value === 0)) return `${what} must be a number above 0.`;
    if (zero && value === 0) return "";
    if (whole && !Number.isInteger(value)) return `${what} must be a whole number.`;
    if (name === "examples" && value < 1)
      return `Do you mean ${text} million? Write ${text}M: the field counts single examples.`;
    if (value > most)
      return `Do you mean ${inWords(value)}? ${what} can be at most ${inWords(most)}.`;
    if (value < least)
      return `Do you mean ${inWords(value)}? ${what} must be at least ${inWords(least)}.`;
    return "";
  }

  function faultOfResolution(data, text) {
    const { side: [least, most], aspect } = data.served.limits;
    const size = readResolution(text);
    if (!size) return `The resolution must be width x height, as in 1280x720; “${text}” is not.`;
    const sides = [size.width, size.height];
    if (Math.min(...sides) < least || Math.max(...sides) > most)
      return `Each side of the video must have ${least} to ${inWords(most)} pixels.`;
    if (Math.max(...sides) > aspect * Math.min(...sides))
      return `One side is more than ${aspect} times the other, which the models refuse.`;
    return "";
  }

  // The fields that a state asks for: a server's where time or money counts, a clip's of a family.
  function asks(state) {
    const served = state.family !== PAPER;
    const timed = served || state.unit !== "tflops";
    return {
      family: true, budget: true, unit: true, examples: true, task: true, epsilon: true,
      level: true, duration: served, resolution: served, prompt: served, answer: served,
      cores: served, models: served, lm: !served, cost: !served, device: timed, devices: timed,
      utilisation: timed, price: served || state.unit === "dollars",
    };
  }

  // What is wrong with a state, by field; an empty object when nothing is.
  function faults(data, state) {
    const asked = asks(state);
    const found = {};
    for (const name of Object.keys(FIELDS)) {
      const fault = asked[name] && faultOf(name, state[name]);
      if (fault) found[name] = fault;
    }
    const size = asked.resolution && faultOfResolution(data, state.resolution);
    if (size) found.resolution = size;
    if (asked.lm && !state.lm) found.lm = "Allow at least one LM size.";
    if (asked.models && !state.models) found.models = "Allow at least one model.";
    if (Object.keys(found).length || asked.models) return found;
    const { budget } = asQuestion(data, state);
    if (!(budget >= 1 && budget < 1e18))
      found.budget =
        `Do you mean ${inWords(readNumber(state.budget))} ${UNITS[state.unit]}? It must come to ` +
        "between 1 and 10^18 FLOPs per video.";
    return found;
  }

  // ---- the question ----------------------------------------------------------------------------

  // A state without faults as a question for allocator.js, and its budget: FLOPs per video of the
  // paper's models; of a family, in the unit that its designs are priced in.
  function asQuestion(data, state) {
    const number = (name) => readNumber(state[name]);
    const base = {
      task: state.task, examples: number("examples"), epsilon: number("epsilon"),
      level: state.level / 100,
    };
    const server = {
      device: state.device, devices: number("devices"), price: number("price"),
      utilisation: number("utilisation") / 100, cores: number("cores"),
    };
    if (state.family === PAPER) {
      const wanted = state.lm.split(",");
      const sizes = data.lm_sizes.filter((size) => wanted.includes(inBillions(size)));
      const amount = { ...server, amount: number("budget"), unit: state.unit };
      const budget = vvlmAllocator.budgetFlops(data, amount);
      return { question: { ...base, cost: state.cost, sizes }, budget, server };
    }
    const clip = {
      duration: number("duration"), ...readResolution(state.resolution),
      fps: data.served.source_fps,
    };
    const text = { prompt: number("prompt"), answer: number("answer") };
    const asked = {
      family: state.family, models: state.models.split(","), clip, server, text,
    };
    return { question: base, budget: number("budget"), asked, server };
  }

  // ---- the fields of the page ------------------------------------------------------------------

  // The form of a page, filled from the address or as usual; the choices come from the data.
  function bind(data, form) {
    const usual = defaults(data);
    const { element } = vvlmChart;
    const boxes = (name) => [...form.querySelectorAll(`input[name=${name}]`)];
    const ticked = (name) => boxes(name).filter((b) => b.checked).map((b) => b.value).join(",");
    const tick = (name, wanted) => boxes(name).forEach((b) => (b.checked = wanted.includes(b.value)));

    function box(name, value, words) {
      return element("label", {}, element("input", { type: "checkbox", name, value }), ` ${words}`);
    }

    function addChoices() {
      const options = (name, values, words = (v) => v) =>
        form.elements[name].append(...values.map((v) => element("option", { value: v }, words(v))));
      options("family", Object.keys(data.served.families));
      options("device", Object.keys(data.accelerators));
      document.getElementById("allocator-sizes").append(
        ...data.lm_sizes.map((size) => {
          const note = data.trained.includes(size) ? "" : " (no run)";
          return box("lm", inBillions(size), `${inBillions(size)}B${note}`);
        })
      );
    }

    // The models of the family that is chosen, all of them allowed.
    function addModels(family, wanted = "") {
      const place = document.getElementById("allocator-models");
      if (place.dataset.family !== family) {
        place.replaceChildren(...namesOf(data, family).map((name) => box("models", name, name)));
        place.dataset.family = family;
      } else if (!wanted) return;
      const known = wanted.split(",").filter((name) => namesOf(data, family).includes(name));
      tick("models", known.length ? known : namesOf(data, family));
    }

    // Only what the family and the unit of the budget ask for.
    function show() {
      const state = read();
      const asked = asks(state);
      for (const part of form.querySelectorAll("[data-asked]"))
        part.hidden = !part.dataset.asked.split(" ").some((name) => asked[name]);
    }

    function write(state) {
      for (const [name, text] of Object.entries(state)) form.elements[name].value = text;
      show();
    }

    // What the address lacks, or what is no number or not on a list, is as usual.
    function restore() {
      const wanted = new URLSearchParams(location.hash.slice(1));
      for (const [name, value] of Object.entries(usual)) {
        if (name === "models") continue;
        let text = wanted.get(name) ?? value;
        if (name in FIELDS && Number.isNaN(readNumber(text))) text = value;
        if (name === "resolution" && !readResolution(text)) text = value;
        if (name === "lm") tick("lm", text.split(","));
        else {
          form.elements[name].value = text;
          if (!form.elements[name].value) form.elements[name].value = value;
        }
      }
      addModels(form.elements.family.value, wanted.get("models") || "all");
      show();
    }

    function read() {
      const names = Object.keys(usual).filter((name) => !["lm", "models"].includes(name));
      const state = Object.fromEntries(names.map((name) => [name, form.elements[name].value]));
      return { ...state, lm: ticked("lm"), models: ticked("models") };
    }

    // The address of a state, of what it asks for alone.
    function keep(state, first) {
      const asked = asks(state);
      const kept = Object.entries(state).filter(([name]) => asked[name]);
      const query = new URLSearchParams(kept).toString().replaceAll("%2C", ",");
      if (location.hash.slice(1) === query) return;
      history[first ? "replaceState" : "pushState"](null, "", `#${query}`);
    }

    function mark(found) {
      for (const field of form.querySelectorAll("input")) {
        if (field.name in found) field.setAttribute("aria-invalid", "true");
        else field.removeAttribute("aria-invalid");
      }
    }

    // update(name of the field that changed): answers; commit(): puts the state in the address.
    // A change is committed when the field is left, or after a moment without another.
    function listen({ update, commit, focus }) {
      let [frame, pause] = [0, 0];
      const later = (name) => {
        cancelAnimationFrame(frame);
        frame = requestAnimationFrame(() => update(name));
        clearTimeout(pause);
        pause = setTimeout(commit, 700);
      };
      form.addEventListener("input", ({ target }) => {
        if (target.name === "family") addModels(target.value);
        show();
        if (target.matches("select")) update(target.name);
        else later(target.name);
      });
      form.addEventListener("change", () => requestAnimationFrame(commit));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        update("");
        commit();
        focus();
      });
      form.addEventListener("click", ({ target }) => {
        const lists = { trained: data.trained, paper: data.space.lm_params };
        if (!(target.dataset.sizes in lists)) return;
        tick("lm", lists[target.dataset.sizes].map(inBillions));
        update("lm");
        commit();
      });
      window.addEventListener("popstate", () => {
        clearTimeout(pause);
        restore();
        update("");
      });
    }

    addChoices();
    restore();
    form.hidden = false;
    return { read, write, keep, mark, listen };
  }

  return { PAPER, UNITS, asQuestion, bind, faults, readNumber };
})();
