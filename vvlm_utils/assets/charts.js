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

  async function explore(data, figure) {
    const Plotly = await loadPlotly();
    const image = figure.querySelector("img");
    const chart = document.createElement("div");
    chart.className = "vvlm-chart-place";
    chart.setAttribute("role", "group");
    chart.setAttribute("aria-label", `Interactive chart. ${image.alt}`);
    image.after(chart);
    figure.classList.add("vvlm-explored");
    const { data: traces, layout } = JSON.parse(data.textContent);
    // A finger scrolls the page; only a mouse draws a box to zoom into.
    if (window.matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
    await Plotly.newPlot(chart, traces, layout, settings);
    addButton(figure);
  }

  function start() {
    const charts = new Map();
    for (const data of document.querySelectorAll("script.vvlm-chart")) {
      const figure = document.getElementById(data.dataset.figure);
      if (figure?.querySelector("img")) charts.set(figure, data);
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
