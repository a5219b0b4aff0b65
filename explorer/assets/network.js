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

// On a narrow screen a network goes from top to bottom, with names that can be read, and all of it is in sight.
const NARROW = 600, SIDE = 34, SMALL = 11, NEAR = 0.13, FAR = 0.37, LEAST_ROW = 30, MIDDLE = 14;
const COLUMN = 130, ACROSS = [-0.12, 0.12, -0.34, 0.34], ASIDE = 0.03, ROW = 44, END = 90, LEAST_TALL = 512, FEW_EDGES = 16;
const readable = (nodes, centre, wide) => {
  nodes.style({ width: 14, height: 14, "font-size": SMALL, "text-wrap": "ellipsis", "text-max-width": wide, "text-margin-y": 1 });
  centre.style({ width: 30, height: 30, "font-size": SMALL + 2, "z-index": 1 });
};
// paths: from one end above to the other below, and between them rows of few nodes, whose names stand apart; the middle is
// left free for an edge between both. Where there are many edges, their shares stand in the table below alone.
const turned = (cy, canvas) => {
  const ends = cy.nodes(".centre").sort((one, other) => one.position("x") - other.position("x")), wide = cy.width(), rows = [];
  const band = (node) => (Math.abs(node.position("x")) <= COLUMN ? 0 : Math.sign(node.position("x")));
  for (const which of [-1, 0, 1]) {
    const nodes = cy.nodes().not(ends).toArray().filter((node) => band(node) === which).sort((one, other) => one.position("y") - other.position("y"));
    const least = Math.ceil(nodes.length / ACROSS.length);
    for (let n = 0; n < least; n++) rows.push(nodes.slice(Math.round(n * nodes.length / least), Math.round((n + 1) * nodes.length / least)));
  }
  const tall = Math.max(LEAST_TALL, rows.length * ROW + 2 * END), row = (tall - 2 * END) / Math.max(rows.length, 1);
  rows.forEach((nodes, n) => nodes.forEach((node, at) => node.position({
    x: wide * (ACROSS.slice(0, nodes.length).sort((one, other) => one - other)[at] + (n % 2 ? ASIDE : -ASIDE)), y: (n + 0.5 - rows.length / 2) * row,
  })));
  ends.forEach((node, n) => node.position({ x: 0, y: (n ? 1 : -1) * (tall / 2 - END / 2) }));
  readable(cy.nodes().not(ends), ends, 0.21 * wide);
  if (cy.edges().length > FEW_EDGES) cy.edges().style("text-opacity", 0);
  canvas.style.setProperty("--tall", `${tall}px`);
};
// around a node: in the order of the circle down the right side and up the left, two beside each other, the nearer inside
const inColumns = (cy) => {
  const [centre] = cy.nodes(".centre"), around = cy.nodes().not(centre), wide = cy.width();
  const from = (node) => ({ x: node.position("x") - centre.position("x"), y: node.position("y") - centre.position("y") });
  const angle = (node) => { const { x, y } = from(node); return (Math.atan2(y, x) + 2.5 * Math.PI) % (2 * Math.PI); };
  const far = (node) => { const { x, y } = from(node); return Math.hypot(x, y); };
  const ordered = around.toArray().sort((one, other) => angle(one) - angle(other)), half = Math.ceil(ordered.length / 2);
  const sides = [ordered.slice(0, half), ordered.slice(half).reverse()], rows = Math.ceil(half / 2);
  const row = Math.max(LEAST_ROW, (cy.height() - 2 * SIDE - 2 * MIDDLE) / Math.max(rows, 1)), places = new Map([[centre, { x: 0, y: 0 }]]);
  const apart = (y) => y + (y < 0 ? -MIDDLE : MIDDLE);  // the node in the middle and its name have room
  sides.forEach((nodes, side) => {
    for (let at = 0; at < nodes.length; at += 2) {
      nodes.slice(at, at + 2).sort((one, other) => far(one) - far(other)).forEach((node, outer) => places.set(node, {
        x: (side ? -1 : 1) * wide * (outer ? FAR : NEAR), y: apart((at / 2 - (rows - 1) / 2 + (outer ? 0.25 : -0.25)) * row),
      }));
    }
  });
  for (const [node, place] of places) node.position(place);
  readable(around, centre, 0.25 * wide);
};
new MutationObserver(() => {
  const canvas = document.querySelector(".canvas"), cy = canvas?.querySelector("#network")?._cyreg?.cy;
  if (!cy || cy.scratch("turned") || !cy.nodes().length || canvas.clientWidth > NARROW) return;
  cy.scratch("turned", true);
  if (canvas.classList.contains("paths")) turned(cy, canvas);
  else inColumns(cy);
  const inSight = () => { cy.zoom(1); cy.pan({ x: cy.width() / 2, y: cy.height() / 2 }); };
  cy.on("resize", inSight);
  cy.resize();
  inSight();
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
