// Draws the report's charts with Plotly from the data in the page. Nothing is fetched, and no text
// becomes markup: titles are in the page already, and what Plotly shows of texts it is told to show
// as texts. Colours are the page's own variables, so light, dark and print each have theirs.
(() => {
  "use strict";
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  // Plotly reads a small markup in texts: it must not see any in a name that a server gave.
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  const trace = (given) => {
    const made = { ...given };
    delete made.colour;
    if (given.name) made.name = plain(given.name);
    if (Array.isArray(given.text) && given.type !== "heatmap") made.text = given.text.map(plain);
    if (!given.colour) return made;
    const paint = colour(given.colour);
    made.marker = { ...given.marker, color: paint };
    if (given.type === "scatter") made.line = { ...given.line, color: paint, width: 2 };
    return made;
  };

  const axis = (given, soft, rule) => ({
    automargin: true, gridcolor: rule, linecolor: rule, zeroline: false, color: soft,
    ...given, title: { standoff: 6, ...given.title, font: { size: 12 } },
  });

  const layout = (chart, div) => {
    const soft = colour("soft"), rule = colour("rule"), paper = colour("paper");
    const made = {
      ...chart.layout,
      autosize: true,
      height: chart.wide ? 300 : 280,
      margin: { l: 52, r: 14, t: chart.marks.length ? 22 : 8, b: 40 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: 12, color: soft },
      hoverlabel: { bgcolor: paper, bordercolor: rule, font: { color: colour("ink"), size: 12 } },
      legend: { orientation: "h", y: -0.2, yanchor: "top", x: 0, font: { size: 11 } },
      dragmode: touch ? false : "zoom",
      showlegend: chart.layout.showlegend ?? chart.traces.filter((t) => t.name).length > 1,
    };
    for (const name of Object.keys(chart.layout))
      if (/^[xy]axis/.test(name)) made[name] = axis(chart.layout[name], soft, rule);
    if (made.coloraxis)
      made.coloraxis = { ...made.coloraxis, colorscale: [[0, colour("band")], [1, colour("c0")]] };
    made.shapes = chart.marks.map(([x]) => ({
      type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper",
      line: { color: soft, width: 1, dash: "dot" },
    }));
    // Names of the levels, as many as fit beside each other.
    const most = Math.max(1, Math.floor(div.clientWidth / 90));
    const every = Math.ceil(chart.marks.length / most) || 1;
    made.annotations = chart.marks.filter((_, n) => n % every === 0).map(([x, name]) => ({
      x, y: 1, yref: "paper", yanchor: "bottom", xanchor: "left", text: plain(name),
      showarrow: false, font: { size: 11, color: soft },
    }));
    return made;
  };

  const config = { displayModeBar: false, responsive: true, showTips: false };
  const draw = () => Promise.all(charts.map((chart, n) => {
    const div = document.getElementById("chart-" + n);
    return Plotly.react(div, chart.traces.map(trace), layout(chart, div), config);
  }));

  const cell = (value) => {
    if (value === null) return "";
    if (typeof value !== "string") return String(value);
    // A spreadsheet runs a text that begins like a formula.
    const text = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
    return '"' + text.replace(/"/g, '""') + '"';
  };
  const save = (name, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff" + text], { type: "text/csv" }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-chart]");
    if (!button) return;
    const n = Number(button.dataset.chart), chart = charts[n];
    if (button.dataset.as === "csv") {
      const lines = [chart.columns, ...chart.rows].map((row) => row.map(cell).join(","));
      save(chart.key + ".csv", lines.join("\r\n") + "\r\n");
    } else {
      Plotly.downloadImage(document.getElementById("chart-" + n),
        { format: button.dataset.as, filename: chart.key, width: 900, height: 420, scale: 2 });
    }
  });

  draw().then(() => document.documentElement.setAttribute("data-drawn", charts.length));
  for (const query of ["(prefers-color-scheme: dark)", "print"])
    window.matchMedia(query).addEventListener("change", draw);
})();
