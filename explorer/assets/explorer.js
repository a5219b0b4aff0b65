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
    const isDrawnAgain = last === here;
    window.pharmagraph.last = here;
    const part = new URLSearchParams(location.search).has("gene") && document.getElementById("against");
    if (part) part.scrollIntoView({ block: "start" });
    else if (!location.hash && !isDrawnAgain) window.scrollTo(0, 0);
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
    if (type === "file" && value) {
      input.dataset.key = value;
      const forget = Object.assign(document.createElement("button"), { type: "button", textContent: "Leave the file that was given out" });
      forget.onclick = () => { delete input.dataset.key; forget.remove(); input.focus(); };
      span.append(forget);
    }
  }
}).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-attributes"] });

document.addEventListener("input", (event) => {
  if (event.target.id === "find") window.pharmagraph.typed(event.target.value);
});

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const { kept, wrong } = await window.pharmagraph.files(form);
  if (wrong) return;
  const given = [...new FormData(form)].filter(([name, value]) => !(name in kept) && String(value).trim());
  for (const [name, key] of Object.entries(kept)) if (key) given.push([name, key]);
  const query = new URLSearchParams(given).toString();
  history.pushState({}, "", form.getAttribute("action") + (query ? `?${query}` : ""));
  window.dispatchEvent(new PopStateEvent("popstate"));
  if (form.getAttribute("role") === "search") window.pharmagraph.emptySearch();
});

// Files of a form are uploaded first, and so is a text that is too long for an address; their keys are in the address.
const LONG = 4000;
window.pharmagraph.files = async (form) => {
  const kept = {};
  for (const input of form.querySelectorAll("input[type=file]")) {
    const [file] = input.files;
    kept[input.name] = file ? await window.pharmagraph.upload(input, file.name, file) : input.dataset.key;
    if (kept[input.name] === undefined && file) return { wrong: true };
  }
  for (const text of form.querySelectorAll("textarea[data-long]")) {
    if (text.value.length <= LONG) continue;
    const key = await window.pharmagraph.upload(text, "pasted.txt", new Blob([text.value]));
    if (key === undefined) return { wrong: true };
    kept[text.dataset.long] = key;
    kept[text.name] = "";
  }
  return { kept };
};
window.pharmagraph.upload = async (input, name, content) => {
  const most = Number(input.dataset.most || 5 * 2 ** 20), mib = (n) => `${(n / 2 ** 20).toFixed(1)} MiB`;
  if (content.size > most) {
    window.pharmagraph.wrong(input, `“${name}” has ${mib(content.size)}, and ${mib(most)} are allowed here; the command reads files of any size.`);
    return undefined;
  }
  const headers = { "X-Pharmagraph": "1", "X-File-Name": encodeURIComponent(name), "Content-Type": "application/octet-stream" };
  try {
    const answer = await (await fetch("/upload", { method: "POST", headers, body: content })).json();
    if (answer.file) return answer.file;
    window.pharmagraph.wrong(input, `${answer.error}.`);
  } catch (error) {
    window.pharmagraph.wrong(input, `The file could not be sent: ${error.message}.`);
  }
  return undefined;
};
// what is wrong with a field, said beside it
window.pharmagraph.wrong = (input, message) => {
  const id = `${input.id}-wrong`;
  let said = document.getElementById(id);
  if (!said) {
    said = Object.assign(document.createElement("p"), { id, className: "notice" });
    said.setAttribute("role", "alert");
    input.parentNode.append(said);
  }
  said.textContent = message;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", `${id} ${input.id}-hint`);
  input.focus();
};

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
  if (button.dataset.save !== undefined) {
    const [, file, ending] = button.dataset.save.match(/^(.*)\.(csv|parquet)$/);
    const link = document.createElement("a");
    link.href = `/table.${ending}?${new URLSearchParams({ of: location.pathname + location.search, file })}`;
    link.download = button.dataset.save;
    link.click();
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

// A plate: the well that is chosen says what it holds, and the arrow keys lead to its neighbours.
const say = (event) => {
  const well = event.target.closest?.("td[data-said]"), said = document.getElementById("well");
  if (well && said) said.textContent = well.dataset.said;
};
for (const kind of ["focusin", "mouseover", "click"]) document.addEventListener(kind, say);
document.addEventListener("keydown", (event) => {
  const well = event.target.closest("td[data-said]");
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!well || !step) return;
  event.preventDefault();
  const rows = well.closest("tbody").rows, row = rows[well.parentNode.sectionRowIndex + step[0]];
  const next = row?.cells[well.cellIndex + step[1]];
  if (!next?.dataset.said) return;
  well.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});

// What if: a slider asks for the prediction with its gene changed, and with all that are moved; of answers that overtake
// each other the last asked counts.
const shown = (value) => Number(Number(value).toPrecision(4)).toString();
// six digits are asked for, so that the command below is short and asks the same; the left end is what silences a gene
const isSilent = ({ min, value }) => Number(value) <= Number(min);
const standsAt = (row) => { const input = row.querySelector("input"); return Number(isSilent(input) ? input.min : Number(input.value).toPrecision(6)); };
const standing = (row) => {
  const { gene, feature } = row.dataset;
  return { gene, ...(feature === "mutation" ? { mutated: true } : { z: standsAt(row) }) };
};
const askWhatIf = async (changes) => {
  const { drug, line, run } = document.getElementById("what-if").dataset;
  const body = JSON.stringify({ drug, cell_line: line, run, changes });
  const headers = { "Content-Type": "application/json", "X-Pharmagraph": "1" };
  return (await fetch("/what-if", { method: "POST", headers, body })).json();
};
const becomes = async (changes) => {
  const { figure } = document.getElementById("what-if").dataset;
  try {
    const { error, before, after, difference } = await askWhatIf(changes);
    return error ? `${error}.` : `${figure} ${shown(before)} → ${shown(after)} (${difference < 0 ? "" : "+"}${shown(difference)})`;
  } catch (error) {
    return `No answer: ${error.message}.`;
  }
};
// the answer to the last question that was asked for a place stands there
const tellAfter = async (place, changes) => {
  const asked = (place.asked = (place.asked || 0) + 1);
  if (!changes.length) { place.textContent = ""; return; }
  await new Promise((resolve) => setTimeout(resolve, 80));
  if (place.asked !== asked) return;
  const words = await becomes(changes);
  if (place.asked === asked) place.textContent = words;
};
// a slider rounds what it is set to, so that its value alone does not tell whether it was moved
const moved = () => [...document.querySelectorAll(".slider")].filter((row) => row.moved);
const together = () => {
  const rows = moved(), part = document.getElementById("what-if");
  const options = rows.map((row) => (row.dataset.feature === "mutation" ? ` --mutate ${row.dataset.gene}` : ` ${isSilent(row.querySelector("input")) ? `--silence ${row.dataset.gene}` : `--set ${row.dataset.gene}=${standsAt(row)}`}`));
  document.getElementById("what-if-command").textContent = part.dataset.command + (options.join("") || " --set GENE=Z");
  document.getElementById("together-row").hidden = rows.length < 2;
  tellAfter(document.getElementById("together"), rows.length < 2 ? [] : rows.map(standing));
};
const whatIf = (input) => {
  const row = input.closest(".slider");
  row.querySelector(".now").textContent = shown(input.value);
  const unchanged = row.dataset.feature === "mutation" && !Number(input.value);
  row.moved = !unchanged;
  tellAfter(row.querySelector(".after"), unchanged ? [] : [standing(row)]);
  together();
};
// the server reads the run once for a pair: when the sliders come into use, before one is moved
for (const kind of ["focusin", "pointerover"]) document.addEventListener(kind, (event) => {
  const part = event.target.closest?.("#what-if");
  if (!part || part.warm) return;
  part.warm = true;
  const row = part.querySelector(".slider");
  askWhatIf([standing(row)]).catch(() => {});
});
document.addEventListener("input", (event) => {
  if (event.target.closest(".slider")) whatIf(event.target);
});
document.addEventListener("click", (event) => {
  if (event.target.id !== "as-it-is") return;
  for (const row of document.querySelectorAll(".slider")) {
    row.moved = false;
    row.querySelector("input").value = row.dataset.now;
    row.querySelector(".now").textContent = shown(row.dataset.now);
    tellAfter(row.querySelector(".after"), []);
  }
  together();
});

// Promoting and deleting a run: asked first, and sent with a header that no other site can send.
document.addEventListener("click", (event) => {
  const { write, run, question } = event.target.dataset ?? {};
  if (!write) return;
  const made = (tag, text, more = {}) => Object.assign(document.createElement(tag), { textContent: text, ...more });
  const dialog = document.createElement("dialog"), said = made("p", "", { className: "notice", hidden: true });
  const yes = made("button", event.target.textContent, { type: "button", className: "yes" }), no = made("button", "Cancel", { type: "button" });
  said.setAttribute("role", "alert");
  dialog.setAttribute("aria-label", event.target.textContent);
  dialog.append(made("p", question), said, no, yes);
  no.onclick = () => dialog.close();
  dialog.onclose = () => { dialog.remove(); event.target.focus(); };
  yes.onclick = async () => {
    yes.disabled = true;
    try {
      const headers = { "Content-Type": "application/json", "X-Pharmagraph": "1" };
      const answer = await fetch(`/runs/${write}`, { method: "POST", headers, body: JSON.stringify({ run, confirmed: run }) });
      if (answer.ok) location.assign(write === "delete" ? "/runs" : location.href);
      else throw new Error((await answer.json()).error);
    } catch (error) {
      Object.assign(said, { textContent: `${error.message}.`, hidden: false });
      yes.disabled = false;
    }
  };
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
});
