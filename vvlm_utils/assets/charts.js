// Puts an interactive chart in the place of a still figure once the figure comes into view. The
// picture stays in the page: for print, for a reader without scripts, and behind a button.
"use strict";

(() => {
  const library = new URL("plotly-basic.min.js", document.currentScript.src).href;
  const settings = {
    displaylogo: false,
    responsive: true,
    modeBarButtons: [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
  };
  const STILL = "img, svg.vvlm-figure";
  let loading;

  // Plotly is one large script: a page asks for it once, and only when it shows a chart.
  function loadPlotly() {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = library;
      script.onload = () => resolve(window.Plotly);
      script.onerror = reject;
      document.head.append(script);
    });
    return loading;
  }

  function addButton(figure) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "vvlm-chart-switch";
    const name = () => {
      const explored = figure.classList.contains("vvlm-explored");
      button.textContent = explored ? "Show the still figure" : "Explore the figure";
    };
    button.addEventListener("click", () => {
      figure.classList.toggle("vvlm-explored");
      window.dispatchEvent(new Event("resize"));
      name();
    });
    name();
    figure.append(button);
  }

  // What Python drew for white paper, in the colours that the page's theme gives the still figures.
  function themed(value) {
    if (Array.isArray(value)) return value.map(themed);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, themed(v)]));
    }
    if (typeof value !== "string") return value;
    const page = getComputedStyle(document.documentElement);
    if (value === "white") return page.getPropertyValue("--pst-color-background").trim() || value;
    if (!/^#[0-9a-f]{6}$/i.test(value)) return value;
    return page.getPropertyValue(`--fig-${value.slice(1).toLowerCase()}`).trim() || value;
  }

  async function explore(data, figure) {
    const Plotly = await loadPlotly();
    const image = figure.querySelector(STILL);
    const chart = document.createElement("div");
    chart.className = "vvlm-chart-place";
    chart.setAttribute("role", "group");
    chart.setAttribute("aria-label", `Interactive chart. ${image.alt ?? image.getAttribute("aria-label")}`);
    image.after(chart);
    // A phone keeps the still figure, which is drawn for it, until its reader asks.
    const narrow = window.matchMedia("(max-width: 600px)").matches;
    figure.classList.toggle("vvlm-explored", !narrow);
    const { data: traces, layout } = JSON.parse(data.textContent);
    // A finger scrolls the page; only a mouse draws a box to zoom into.
    if (window.matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
    Object.assign(layout, { paper_bgcolor: "#00000000", plot_bgcolor: "#00000000" });
    const draw = () => Plotly.react(chart, themed(traces), themed(layout), settings);
    await draw();
    new MutationObserver(draw).observe(document.documentElement, {
      attributeFilter: ["data-theme"],
    });
    addButton(figure);
  }

  function start() {
    const charts = new Map();
    for (const data of document.querySelectorAll("script.vvlm-chart")) {
      const figure = document.getElementById(data.dataset.figure);
      if (figure?.querySelector(STILL)) charts.set(figure, data);
    }
    const seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        explore(charts.get(target), target).catch(() => {
          target.classList.remove("vvlm-explored"); // the picture says it too
        });
      }
    }, { rootMargin: "300px" });
    for (const figure of charts.keys()) seen.observe(figure);
  }

  document.addEventListener("DOMContentLoaded", start);
})();
