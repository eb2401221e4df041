// A box below an exercise: says whether a number or a word is the kept answer, and gives a hint.
// Spelling and hash are those of vvlm_utils/site/exercises.py; the page holds the hash alone.
"use strict";

const vvlmAnswers = (() => {
  const { readNumber } = vvlmEngine();
  const UNITS = [1e2, 1e-2, 1e3, 1e-3, 1e6, 1e-6, 1e9, 1e-9, 1e12, 1e-12];
  const later = () => new Promise((resolve) => setTimeout(resolve));

  // A number as people write it, in per cent too; NaN where the text is none.
  function numberOf(text) {
    const plain = text.trim().replace(/^[−–]/, "-");
    const share = plain.match(/^(.*?)\s*%$/);
    return share ? readNumber(share[1]) / 100 : readNumber(plain);
  }

  // A number as it is hashed, the nearest rounding first and its neighbours after it.
  function spellings(number, digits) {
    const size = number ? Math.floor(Math.log10(Math.abs(number))) : 0;
    const unit = Number(`1e${size - digits + 1}`);
    const places = [Math.round, Math.floor, Math.ceil].map((f) => f(number / unit));
    return [...new Set(places)].map((steps) =>
      (steps * unit).toExponential(digits - 1).replace(/e([+-])(\d)$/, "e$10$2")
    );
  }

  const asText = (text) => text.toLowerCase().replace(/\s+/g, "");

  // Whether one of the texts has the exercise's hash; the page stays awake between two hashes.
  async function knows({ exercise, hash, slow }, texts) {
    for (const text of texts) {
      await later();
      if (vvlmScrypt(text, exercise, slow) === hash) return true;
    }
    return false;
  }

  // What is wrong with the form of an answer, or nothing.
  function fault(text, settings) {
    if (!text.trim()) return "Write an answer first.";
    if (settings.text || Number.isFinite(numberOf(text))) return "";
    return `“${text.trim()}” is no number. Write it as in 0.5, 12,000, 500k or 5e5.`;
  }

  // {right, near}: near says what a wrong number has in common with the right one.
  async function judge(text, settings) {
    if (settings.text) return { right: await knows(settings, [asText(text)]), near: "" };
    const number = numberOf(text);
    if (await knows(settings, spellings(number, settings.digits))) return { right: true, near: "" };
    const near = (moved) => knows(settings, spellings(moved, settings.digits).slice(0, 1));
    if (await near(-number)) return { right: false, near: "The size is right, the sign is not." };
    for (const unit of UNITS)
      if (await near(number * unit))
        return { right: false, near: "The digits are right, the power of ten is not: check the unit." };
    return { right: false, near: "" };
  }

  function start(form) {
    const settings = JSON.parse(form.dataset.settings);
    const [input, said] = [form.querySelector("input"), form.querySelector("output")];
    let asked = 0;
    const say = (text, kind) => {
      said.textContent = text;
      form.dataset.found = kind;
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const [text, own] = [input.value, ++asked];
      const wrong = fault(text, settings);
      if (wrong) return say(wrong, "unread");
      say("Checking …", "busy");
      const { right, near } = await judge(text, settings);
      if (own !== asked) return; // asked again meanwhile
      if (right) return say("Right.", "right");
      say(`Not yet. ${near || `Hint: ${settings.hint}`}`, "not-yet");
    });
    form.hidden = false;
  }

  if (typeof document !== "undefined") document.querySelectorAll("form.vvlm-answer").forEach(start);
  return { numberOf, spellings, judge };
})();
