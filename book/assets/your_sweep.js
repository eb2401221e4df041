// The page `your_sweep`: takes a table and a question, has the engine answer in a worker, and shows
// what it says. A page from a disk may load neither a module nor a worker's file, so the worker is
// started from the text of the engine's one function.
"use strict";

(() => {
  const data = window.VVLM_ENGINE;
  const form = document.getElementById("sweep");
  const status = document.getElementById("sweep-status");
  const result = document.getElementById("sweep-result");
  const working = document.getElementById("sweep-working");
  const bar = document.getElementById("sweep-progress");
  const { budgetAt, element, number, panel } = vvlmChart;
  const fields = form.elements;
  fields.law.append(...Object.keys(data.laws.with_data).map((name) => element("option", {}, name)));

  const engineText = `(${vvlmEngine})().serve(self, ${JSON.stringify(data)});`;
  const engineAddress = URL.createObjectURL(new Blob([engineText], { type: "text/javascript" }));
  let worker = null;
  let captions = 0; // of tables, so far
  let table = null; // {bytes, name, source}: what was chosen last

  // ---- the question ----------------------------------------------------------------------------

  const FIELDS = {
    budgets: "The budgets", examples: "The number of examples", sizes: "The LM sizes",
    frames: "The frames", tokens: "The tokens per frame", tower: "The encoder's parameters",
    features: "The encoder's features", members: "The number of refits", seed: "The seed", at: "The levels",
    training: "The training budget",
  };
  const BOUNDS = { // least and most of a field's numbers, as the command line takes them
    budgets: [1e-12, 1e6], examples: [1, 1e12], sizes: [1e-6, 1e9], frames: [1, 1e4], tokens: [1, 1e6],
    tower: [1, 1e18], features: [1, 1e18], members: [3, 3000], seed: [0, 2 ** 32 - 1],
    training: [1, 1e30],
  };
  const WHOLE = ["frames", "tokens", "members", "seed"];

  const text = (name) => fields[name].value.trim();

  // The numbers of a field; throws with words where they are none.
  function numbersOf(name) {
    const [least, most] = BOUNDS[name];
    return text(name).split(",").filter((part) => part.trim()).map((part) => {
      const value = Number(part);
      if (!(value >= least && value <= most) || (WHOLE.includes(name) && value % 1)) {
        const kind = WHOLE.includes(name) ? "a whole number" : "a number";
        throw { name, message: `${FIELDS[name]} must be ${kind} from ${number(least)} to ${number(most, 12)}.` };
      }
      return value;
    });
  }

  function levels() {
    const pairs = text("at").split(",").filter((part) => part.trim()).map((part) => part.split("="));
    for (const [, value] of pairs)
      if (!(Number(value) > 0))
        throw { name: "at", message: "The levels must be NAME=VALUE with a number above 0." };
    return pairs.length ? Object.fromEntries(pairs.map(([f, v]) => [f.trim(), Number(v)])) : undefined;
  }

  function choices() {
    const one = (name) => numbersOf(name)[0];
    const paper = data.rules.tower;
    const tower = text("tower") || text("features")
      ? { params: one("tower") ?? paper.params, features_per_frame: one("features") ?? paper.features_per_frame }
      : undefined;
    return {
      source: table.source, task: text("task") || undefined, cost: text("cost"), tower, at: levels(),
      factors: text("factors").split(/[\s,]+/).filter(Boolean),
      budgets: numbersOf("budgets").map((b) => 1e12 * b), examples: one("examples"),
      lm_params: numbersOf("sizes").map((s) => 1e9 * s), max_frames: one("frames"),
      max_tokens: one("tokens"), members: one("members"), seed: one("seed"),
      law: fields.law.value || undefined, train_flops: one("training"),
    };
  }

  // ---- words and tables ------------------------------------------------------------------------

  const percent = (x) => `${Math.round(100 * x)}%`;
  function short(count, digits = 3) {
    if (count < 1e4) return number(count, 6);
    const [size, letter] = [[1e9, "B"], [1e6, "M"], [1e3, "k"]].find(([least]) => count >= least);
    return `${number(count / size, digits)}${letter}`;
  }

  const grid = (d) => `${short(d.lm_params)}, ${number(d.frames, 6)} × ${number(d.tokens_per_frame, 6)}`;
  const range = (low, high, show = String) => (show(low) === show(high) ? show(low) : `${show(low)} to ${show(high)}`);

  // A table that may scroll, below a caption that does not.
  function tableOf(caption, head, rows) {
    const id = `sweep-caption-${++captions}`;
    const line = ([first, ...rest]) => element(
      "tr", {}, element("th", { scope: "row" }, first), ...rest.map((v) => element("td", {}, v))
    );
    return element("div", {}, element("p", { id, class: "sweep-caption" }, caption), element(
      "div", { class: "allocator-table sweep-table", tabindex: 0, role: "region", "aria-labelledby": id },
      element("table", { class: "table", "aria-labelledby": id },
        element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
        element("tbody", {}, ...rows.map(line)))
    ));
  }

  const list = (sentences) => element("ul", {}, ...sentences.map((said) => element("li", {}, said)));
  const part = (id, title, ...content) =>
    element("section", { id: `sweep-${id}` }, element("h2", {}, title), ...content);

  const FRONTIER = "The best design at each budget";

  function frontierPart(answer, title) {
    const unit = unitOf(answer);
    const show = (x) => x.toFixed(answer.unit === "points" ? 1 : 3);
    const rows = answer.rows.map((row) => [
      number(row.budget_flops / unit[1]), grid(row),
      `${show(row.error)} (${range(row.error_low, row.error_high, show)})`, percent(row.probability),
      range(row.frames_low, row.frames_high, (x) => number(x, 6)),
      range(row.tokens_low, row.tokens_high, (x) => number(x, 6)), row.within_epsilon - 1,
      row.outside.join(", ") || "no",
    ]);
    const name = answer.unit === "points" ? "error, points" : answer.unit;
    const head = [unit[0], "LM, frames × tokens", `${name} (80%)`, "refits with this LM", "frames",
      "tokens", "as good", "outside the runs"];
    return part("frontier", title, list(answer.sentences),
      tableOf(`For ${short(answer.examples)} training examples; as good: other designs within ${number(answer.epsilon)}`, head, rows));
  }

  function votesPart(answer) {
    const unit = unitOf(answer);
    const share = (vote) => element("span", {}, element("span", {
      class: "allocator-bar", style: `width: ${4 * vote}em`, "aria-hidden": true,
    }), percent(vote));
    const rows = answer.rows.map((row) => [
      number(row.budget_flops / unit[1]), ...answer.lm_params.map((size) => share(row.votes[size] ?? 0)),
    ]);
    return part("votes", "How sure the LM size is",
      tableOf("Share of the refits whose own best design has this LM", [unit[0], ...answer.lm_params.map((size) => short(size))], rows));
  }

  function tiesPart(answer) {
    const middle = answer.rows.length >> 1;
    const unit = unitOf(answer);
    const digits = answer.unit === "points" ? 2 : 4;
    const rows = answer.near[middle].map((d) => [
      grid(d), number(d.cost_flops / unit[1]), d.error.toFixed(digits), percent(d.votes),
    ]);
    const { budget_flops: budget, within_epsilon: all } = answer.rows[middle];
    const shown = all > rows.length ? `the first ${rows.length} of ${all}` : `all ${all}`;
    return part("ties", "Designs as good", tableOf(
      `Within ${number(answer.epsilon)} of the best at ${number(budget / unit[1])} ${unit[0]}: ${shown}`,
      ["LM, frames × tokens", unit[0], "error", "refits that agree"], rows));
  }

  const unitOf = ({ rows }) => {
    const flops = rows[rows.length >> 1].budget_flops;
    return data.rules.units.find(([, size]) => flops >= size) ?? data.rules.units.at(-1);
  };

  function chartsPart(answer) {
    if (answer.curve.length < 3) return "";
    const [words, flops] = unitOf(answer);
    const unit = `${words} per video`;
    const curve = answer.curve.map((row) => ({ ...row, amount: row.budget_flops / flops }));
    const [size, many] = [[1e9, "billions"], [1e6, "millions"], [1e3, "thousands"]].find(([size]) =>
      answer.lm_params.at(-1) >= size);
    const factor = (title, color, name, key, size = 1) => panel(curve, {
      title, color, unit, line: (r) => r[name] / size, low: (r) => r[`${key}_low`] / size,
      high: (r) => r[`${key}_high`] / size,
    });
    const panels = [
      panel(curve, {
        title: answer.unit === "points" ? "error, points" : answer.unit, color: "var(--pst-color-text-base)",
        unit, line: (r) => r.error, low: (r) => r.error_low, high: (r) => r.error_high,
      }),
      factor(`LM size, ${many}`, "#0072b2", "lm_params", "lm_params", size),
      factor("frames", "#d55e00", "frames", "frames"),
      factor("tokens per frame", "#009e73", "tokens_per_frame", "tokens"),
    ];
    const show = (x) => x.toFixed(answer.unit === "points" ? 1 : 3);
    const name = answer.unit === "loss" ? "loss" : "error";
    const reading = readPoints(panels, curve, (row) =>
      `At ${number(row.amount)} ${unit}: ${grid(row)}; ${name} ${show(row.error)} ` +
      `(${range(row.error_low, row.error_high, show)}), ${percent(row.probability)} of the refits have this LM.`);
    return part("charts", "The frontier", element("figure", { class: "allocator-chart sweep-chart" }, ...panels,
      element("figcaption", {}, "The line is the best design at each budget, the band the central 80% of the refits. " +
        "Click a chart, or press the arrow keys on it, to read a point."), reading));
  }

  // Have arrow keys and clicks move one point over all the panels; returns the line that says its values.
  function readPoints(panels, curve, words) {
    const line = element("p", { class: "sweep-reading", "aria-live": "polite" });
    const last = curve.length - 1;
    let at = curve.length >> 1;
    const move = (place) => {
      at = Math.min(Math.max(place, 0), last);
      panels.forEach((picture) => picture.mark(at));
      line.textContent = words(curve[at]);
    };
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5,
      Home: -Infinity, End: Infinity };
    for (const picture of panels) {
      picture.setAttribute("tabindex", 0);
      picture.addEventListener("focus", () => picture.matches(":focus-visible") && move(at));
      picture.addEventListener("keydown", (event) => {
        if (!(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        move(at + steps[event.key]);
      });
      picture.addEventListener("click", ({ clientX }) => {
        const gaps = curve.map((row) => Math.abs(Math.log(row.amount / budgetAt(picture, clientX))));
        move(gaps.indexOf(Math.min(...gaps)));
      });
    }
    return line;
  }

  function nextPart(answer, plan) {
    const unit = unitOf(answer);
    const flops = (x) => x.toExponential(1).replace("e+", "e");
    if (plan.refused) return part("next", "What to run next", element("p", {}, `${plan.refused}.`));
    const rows = plan.rows.map((d) => [
      grid(d), short(d.train_examples, 6), number(d.cost_flops / unit[1]), flops(d.train_flops),
      `${(100 * d.gain).toFixed(1)}%`, percent(d.left), d.outside.join(", ") || "no",
    ]);
    return part("next", "What to run next", tableOf(
      `For ${flops(plan.train_flops)} training FLOPs, in order, at most ${plan.most}; gain: the share of the ` +
      "uncertainty about the best designs that a run is expected to remove; left: the share that is left after it",
      ["LM, frames × tokens", "examples", unit[0], "training FLOPs", "gain", "left", "outside the runs"], rows));
  }

  function movesPart({ rows, sentence, asked }) {
    const title = "How the best design moves with more data";
    if (!rows.length) return part("moves", title, element("p", {}, sentence));
    const signed = (x) => { // a small number that is not 0 shows its sign
      const near = Number(x.toFixed(9));
      const shown = near && Math.abs(near) < 0.005 ? near.toPrecision(1) : (near + 0).toFixed(2);
      return shown.replace(/^-/, "\u2212");
    };
    const lines = rows.map(({ factor, value, low, high }) =>
      [data.rules.factor_names[factor] ?? factor, signed(value), range(low, high, signed)]);
    return part("moves", title, element("p", {}, sentence),
      tableOf(`Elasticity, ${asked}`, ["factor", "elasticity", "80% of the refits"], lines),
      element("p", {}, "The elasticity is the percentage by which the best value of a factor moves when the " +
        "training examples grow by one percent, averaged over the budgets. A range that contains zero leaves " +
        "the direction open."));
  }

  function lawsPart(compared) {
    if (!compared.length) return "";
    const rows = compared.map(({ law, e_pct: miss }) => [law, `${miss.toFixed(2)}%`]);
    return part("laws", "Which law predicts best",
      tableOf("How far a single fit misses designs that it has not seen, on average", ["law", "miss"], rows));
  }

  const auditPart = ({ sentences, notes }) => part("audit", "What the table can answer", list([...notes, ...sentences]));

  // ---- the same elsewhere ----------------------------------------------------------------------

  const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

  function commands(chosen, answer, plan) {
    const option = (name, value) => (value === undefined || value === "" ? "" : ` --${name} ${quoted(String(value))}`);
    const runs = quoted(table.name);
    const fitted = (chosen.factors.map((f) => option("factor", f)).join("")) + option("task", chosen.task) +
      option("cost", chosen.cost) + option("tower-params", text("tower")) + option("features-per-frame", text("features")) +
      option("resamples", chosen.members) + option("seed", chosen.seed) + option("law", chosen.law);
    const asked = answer.rows.map((row) => option("tflops", Number((row.budget_flops / 1e12).toPrecision(12)))).join("") +
      option("train-examples", answer.examples);
    const space = chosen.lm_params.map((s) => option("lm-params", s)).join("") +
      option("max-frames", chosen.max_frames) + option("max-tokens", chosen.max_tokens);
    const at = Object.entries(answer.at).map(([f, v]) => option("at", `${f}=${v}`)).join("");
    const training = option("train-flops", plan.train_flops.toExponential().replace("e+", "e")) + option("most", plan.most);
    return [`vvlm frontier ${runs}${fitted}${asked}${space}${at}`,
      `vvlm next-runs ${runs}${fitted}${asked}${space}${at}${training}`,
      `vvlm report ${runs}${fitted}${asked}${space} --out report`].join("\n\n");
  }

  function download(label, name, content) {
    const link = element("a", { download: name }, label);
    link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
    return link;
  }

  function keepPart({ answer, fit, model, moved, next }, chosen) {
    const record = { ...answer, curve: undefined, model, elasticity: moved, next_runs: next.rows };
    const stem = table.name.replace(/\.\w+$/, "");
    return part("keep", "Keep the answer",
      element("p", {}, download("Download the fit", `${stem}.fit.json`, JSON.stringify(fit)), ", which ",
        element("code", {}, "vvlm frontier"), " reads, and ", download("the answer", `${stem}.answer.json`, JSON.stringify(record, null, 1)), "."),
      element("p", {}, "The command line says the same, and writes a report:"),
      element("pre", { tabindex: 0 }, commands(chosen, answer, next)));
  }

  // ---- asking and showing ----------------------------------------------------------------------

  function stop(words) {
    worker?.terminate();
    worker = null;
    working.hidden = true;
    result.setAttribute("aria-busy", false);
    if (words) status.textContent = words;
  }

  function refuse(message, field) {
    stop(message);
    status.classList.add("sweep-refused");
    status.scrollIntoView({ block: "nearest" });
    result.replaceChildren();
    for (const input of form.querySelectorAll("input")) {
      if (input.name === field) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  }

  function show(audited, message, chosen) {
    const { answer, compared, model } = message;
    const whole = message.step === "answer";
    const [middle] = answer.sentences.slice(answer.sentences.length >> 1);
    status.textContent = whole ? middle
      : `A first answer, of a single fit of ${message.law}; the refits follow in about ` +
        `${number(Math.max(1, message.seconds), 1)} s. ${middle.split(";")[0]}.`;
    result.replaceChildren(
      frontierPart(answer, whole ? FRONTIER : `${FRONTIER}: first answer, bands follow`), ...(whole ? [
        element("p", {}, model), chartsPart(answer), votesPart(answer), tiesPart(answer),
        movesPart(message.moved), nextPart(answer, message.next), lawsPart(compared), keepPart(message, chosen)] : []),
      auditPart(audited)
    );
    performance.mark(whole ? "sweep-answered" : "sweep-first");
  }

  function run() {
    if (!table) return refuse("Choose a table first.");
    let chosen;
    try {
      chosen = choices();
    } catch (fault) {
      return refuse(fault.message, fault.name);
    }
    stop(`Reading ${table.name} …`);
    status.classList.remove("sweep-refused");
    refuseNone();
    result.replaceChildren();
    result.setAttribute("aria-busy", true);
    [working.hidden, bar.value] = [false, 0];
    performance.mark("sweep-started");
    let audited = null;
    worker = new Worker(engineAddress);
    worker.onmessage = ({ data: message }) => {
      if (message.step === "audit") {
        audited = message;
        result.replaceChildren(auditPart(message));
      } else if (message.step === "progress") bar.value = message.share;
      else if (message.step === "refused") refuse(message.message);
      else if (message.step === "done") stop();
      else show(audited, message, chosen);
    };
    worker.onerror = (fault) => refuse(`The engine failed: ${fault.message}`);
    worker.postMessage({ bytes: table.bytes, name: table.name, choices: chosen });
  }

  const refuseNone = () =>
    form.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));

  // ---- choosing a table ------------------------------------------------------------------------

  async function take(file) {
    if (file.size > data.rules.largest)
      return refuse(`${file.name} holds ${Math.round(file.size / 1e6)} MB, and a table of runs at most ` +
        `${data.rules.largest / 1e6} MB; keep the columns of the runs alone, or fewer rows`);
    table = { bytes: new Uint8Array(await file.arrayBuffer()), name: file.name };
    run();
  }

  const write = (lines, name, source) => {
    table = { bytes: new TextEncoder().encode(lines), name, source };
    run();
  };

  fields.file.addEventListener("change", () => fields.file.files.length && take(fields.file.files[0]));
  for (const button of form.querySelectorAll("[data-source]"))
    button.addEventListener("click", () => {
      const { name, csv } = data.sources.find((source) => source.name === button.dataset.source);
      fields.file.value = "";
      write(csv, name, name);
    });
  document.getElementById("sweep-paste").addEventListener("click", () => write(fields.pasted.value, "pasted.csv"));
  document.getElementById("sweep-cancel").addEventListener("click", () => {
    stop("Cancelled; what stands below was known by then.");
    status.focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  const box = document.getElementById("sweep-drop");
  const over = (event, is) => {
    event.preventDefault();
    box.classList.toggle("sweep-over", is);
  };
  box.addEventListener("dragover", (event) => over(event, true));
  box.addEventListener("dragleave", (event) => over(event, false));
  box.addEventListener("drop", (event) => {
    over(event, false);
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
  form.hidden = false;
})();
