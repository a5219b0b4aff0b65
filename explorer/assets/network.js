// Networks: their script is fetched when the first is drawn, paths are turned on a narrow screen, and what is drawn is saved.
const SCRIPT = "/_dash-component-suites/dash_cytoscape/dash_cytoscape_extra.min.js";
// Dash finds a component by its name in window; this one stands for Cytoscape's, on every page, until that is there.
{
  const Drawn = window.React.lazy(() => new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: SCRIPT, onerror: reject });
    script.onload = () => {
      const { Cytoscape } = window.dash_cytoscape;
      window.dash_cytoscape = { Cytoscape: Waiting };  // another component would be drawn anew
      resolve({ default: Cytoscape });
    };
    document.head.append(script);
  }));
  const Waiting = (props) => window.React.createElement(
    window.React.Suspense,
    { fallback: window.React.createElement("div", { id: props.id, style: props.style }) },
    window.React.createElement(Drawn, props),
  );
  window.dash_cytoscape = { Cytoscape: Waiting };
}

// On a narrow screen paths go from top to bottom, and what is drawn stays as large as can be read: it is moved by a finger.
const NARROW = 600, READABLE = 0.75;
new MutationObserver(() => {
  const canvas = document.querySelector(".canvas.paths"), cy = canvas?.querySelector("#network")?._cyreg?.cy;
  if (!cy || cy.scratch("turned") || !cy.nodes().length || canvas.clientWidth > NARROW) return;
  cy.scratch("turned", true);
  const [width, height] = [cy.width(), cy.height()], far = Math.max(...cy.nodes().map((node) => Math.abs(node.position("x"))));
  const tall = (height - 64) / READABLE / (2 * far);
  cy.nodes().positions((node) => ({ x: node.position("y"), y: node.position("x") * tall }));
  cy.fit(undefined, 12);
  if (cy.zoom() > READABLE) return;
  cy.zoom(READABLE);
  cy.pan({ x: width / 2, y: height / 2 });
}).observe(document, { childList: true, subtree: true });

// Files of a drawn network: exactly the nodes and edges that are shown, where they stand.
const markup = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "");
const graphml = (shownNow) => {
  const nodeKeys = { kind: "string", name: "string", x: "double", y: "double" }, edgeKeys = { relation: "string", strength: "double" };
  const keys = (of, all) => Object.entries(all).map(([name, type]) => `<key id="${of}-${name}" for="${of}" attr.name="${name}" attr.type="${type}"/>`);
  const data = (of, values) => Object.entries(values).map(([name, value]) => `<data key="${of}-${name}">${markup(value)}</data>`).join("");
  const idOf = (node) => markup(`${node.data("kind")}:${node.data("ref")}`);
  const nodes = shownNow.nodes().map((n) => `<node id="${idOf(n)}">${data("node", { kind: n.data("kind"), name: n.data("name"), x: n.position("x"), y: n.position("y") })}</node>`);
  const edges = shownNow.edges().map((e) => `<edge source="${idOf(e.source())}" target="${idOf(e.target())}">${data("edge", { relation: e.data("relation"), strength: e.data("strength") })}</edge>`);
  return ['<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">', ...keys("node", nodeKeys), ...keys("edge", edgeKeys),
    '<graph edgedefault="directed">', ...nodes, ...edges, "</graph>", "</graphml>", ""].join("\n");
};
document.addEventListener("click", (event) => {
  const kind = event.target.dataset?.export, cy = document.getElementById("network")?._cyreg?.cy;
  if (!kind || !cy) return;
  const whole = { full: true, bg: "#ffffff", scale: 2 };
  const content = kind === "png" ? cy.png({ ...whole, output: "blob" })
    : new Blob([kind === "svg" ? cy.svg({ full: true, bg: "#ffffff" }) : graphml(cy.elements(":visible"))], { type: kind === "svg" ? "image/svg+xml" : "application/xml" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = `network.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});
