// What the parts that move share: taking the place of a still table, sliders, bars of a picture.
"use strict";

const vvlmMoves = (() => {
  const { element } = vvlmChart;
  const NAMES = { lm_params: "LM size", frames: "frames", tokens_per_frame: "tokens per frame" };
  let sliders = 0;

  // Give every place of this name to `make`, which fills a box from the place's settings. The still
  // table comes back where that fails.
  function start(name, label, make) {
    for (const place of document.querySelectorAll(`.vvlm-move[data-move="${name}"]`)) {
      const box = element("div", { class: "vvlm-move-live", role: "group", "aria-label": label });
      const settings = JSON.parse(place.dataset.settings);
      place.append(box);
      try {
        box.append(element("p", { class: "vvlm-move-title" }, `${label}:`));
        make(box, settings);
        place.classList.add("vvlm-moving");
      } catch (error) {
        box.remove();
        console.error(error);
      }
    }
  }

  // A slider over listed values that starts at the one nearest to `at`; `say` puts a value in words.
  function slider({ label, values, at, say, moved }) {
    const gap = values.map((v) => Math.abs(v - at));
    const id = `vvlm-slider-${++sliders}`;
    const input = element("input", {
      id, type: "range", min: 0, max: values.length - 1, step: 1,
      value: gap.indexOf(Math.min(...gap)),
    });
    const words = element("output", { for: id });
    const value = () => values[Number(input.value)];
    const show = () => {
      words.textContent = say(value());
      input.setAttribute("aria-valuetext", say(value()));
    };
    input.addEventListener("input", () => {
      show();
      moved();
    });
    show();
    const row = element("div", { class: "vvlm-slider" },
      element("label", { for: id }, label), words, input);
    return { row, value, input, show };
  }

  // One choice of few, as radio buttons: {row, value()}.
  function choice({ label, options, at, moved }) {
    const name = `vvlm-choice-${++sliders}`;
    const buttons = options.map(([value, words]) => {
      const input = element("input", { type: "radio", name, value });
      input.checked = value === at;
      input.addEventListener("change", moved);
      return element("label", {}, input, ` ${words}`);
    });
    const row = element("fieldset", { class: "vvlm-choice" },
      element("legend", {}, label), ...buttons);
    return { row, value: () => row.querySelector("input:checked").value };
  }

  // A sentence that a screen reader says once the sliders rest.
  function sentence() {
    const shown = element("p", { class: "vvlm-move-says" });
    const said = element("p", { class: "vvlm-unseen", role: "status" });
    let waiting;
    const say = (text) => {
      shown.textContent = text;
      clearTimeout(waiting);
      waiting = setTimeout(() => (said.textContent = text), 600);
    };
    shown.setAttribute("aria-hidden", "true");
    return { shown, said, say };
  }

  const word = (x, y, text, anchor = "start", kind = "") =>
    element("text", { x, y, "text-anchor": anchor, class: kind }, text);
  const rule = (kind, x1, y1, x2, y2) => element("line", { class: kind, x1, y1, x2, y2 });
  const bar = (kind, x, y, width, height) =>
    element("rect", { class: kind, x, y, width: Math.max(0, width), height });

  return { NAMES, start, slider, choice, sentence, word, rule, bar };
})();
