// What scrolls inside its own box can be reached, and so scrolled, by keyboard too. The theme does
// this for tables and code; here it is done for figures and tables that a phone cannot hold.
"use strict";

const makeReachable = () => {
  for (const figure of document.querySelectorAll(".bd-article figure, .bd-article table")) {
    if (figure.scrollWidth > figure.clientWidth) figure.tabIndex = 0;
    else figure.removeAttribute("tabindex");
  }
};
window.addEventListener("load", makeReachable);
window.addEventListener("resize", makeReachable);
