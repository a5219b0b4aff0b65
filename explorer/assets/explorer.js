// What the pages need in the browser itself: forms that lead to addresses, CSV files, the theme, and the focus.
window.pharmagraph = {
  emptySearch() {
    document.getElementById("find").value = "";
    window.pharmagraph.typed("");
  },
  // what stands in the search box, for the suggestions
  typed(data) {
    clearTimeout(window.pharmagraph.pause);
    window.pharmagraph.pause = setTimeout(() => window.dash_clientside.set_props("typed", { data }), data ? 150 : 0);
  },
  arrived(title) {
    if (title) document.title = title;
    const heading = document.querySelector("main h1");
    // a page that is drawn again at the same address must not take the focus from what is being typed
    const here = location.pathname + location.search, last = window.pharmagraph.last;
    if (heading && last !== undefined && last !== here) heading.focus({ preventScroll: true });
    window.pharmagraph.last = here;
    const part = new URLSearchParams(location.search).has("gene") && document.getElementById("against");
    if (part) part.scrollIntoView({ block: "start" });
    else if (!location.hash) window.scrollTo(0, 0);
    return window.dash_clientside.no_update;
  },
};

// Inputs are the browser's own: Dash draws a span, and its input is made here, anew where its attributes change.
new MutationObserver(() => {
  for (const span of document.querySelectorAll("span.input")) {
    const { attributes } = span.dataset;
    if (span.made === attributes) continue;
    span.made = attributes;
    const { type, options, value, ...others } = JSON.parse(attributes);
    const own = type === "select" || type === "textarea";
    const input = document.createElement(own ? type : "input");
    if (!own) input.type = type;
    for (const [word, said] of options ? JSON.parse(options) : []) input.add(new Option(said, word));
    for (const [name, given] of Object.entries({ autocomplete: "off", ...others })) input.setAttribute(name, given);
    if (value !== undefined && type !== "file") input[own ? "value" : "defaultValue"] = value;
    span.replaceChildren(input);
  }
}).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-attributes"] });

document.addEventListener("input", (event) => {
  if (event.target.id === "find") window.pharmagraph.typed(event.target.value);
});

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const given = [...new FormData(form)].filter(([, value]) => String(value).trim());
  const query = new URLSearchParams(given).toString();
  history.pushState({}, "", form.getAttribute("action") + (query ? `?${query}` : ""));
  window.dispatchEvent(new PopStateEvent("popstate"));
  if (form.getAttribute("role") === "search") window.pharmagraph.emptySearch();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("#suggestions a")) window.pharmagraph.emptySearch();
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.csv !== undefined) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([button.dataset.csv], { type: "text/csv" }));
    link.download = button.dataset.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  if (button.id === "theme") {
    const root = document.documentElement;
    const dark = root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    root.dataset.theme = dark === "dark" ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.closest("input, textarea")) {
    event.preventDefault();
    document.getElementById("find").focus();
  }
});
