// Draws the report's charts with Plotly from the data in the page. Nothing is fetched, and no text
// becomes markup: titles are in the page already, and what Plotly shows of texts it is told to show
// as texts. Colours are the page's own variables, so light, dark and print each have theirs.
// Plotly itself is packed, as it is most of the page; the policy names the hash of what is unpacked.
(() => {
  "use strict";
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  // Plotly reads a small markup in texts: it must not see any in a name that a server gave.
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  // Counts are shaded by their logarithm, and hovered as they are; none is no colour.
  const heat = (given) => ({
    ...given,
    z: given.z.map((row) => row.map((n) => (n ? Math.log10(n) + 0.3 : null))),
    text: given.z,
    hovertemplate: "%{x:.2f} s, %{y:.3~r} ms: %{text} gaps<extra></extra>",
  });
  const trace = (given) => {
    if (given.type === "heatmap") return heat(given);
    const made = { ...given };
    delete made.colour;
    if (given.name) made.name = plain(given.name);
    if (Array.isArray(given.text)) made.text = given.text.map(plain);
    if (!given.colour) return made;
    const paint = colour(given.colour);
    made.marker = { ...given.marker, color: paint };
    if (given.type === "scatter") made.line = { ...given.line, color: paint, width: 2 };
    return made;
  };

  // Charts over time have the same room at both sides, so that one stands exactly under the other.
  const axis = (given, overTime, soft, rule) => ({
    automargin: !overTime, gridcolor: rule, linecolor: rule, zeroline: false, color: soft,
    ...given, title: { standoff: 6, ...given.title, font: { size: 12 } },
  });
  const margin = (overTime) =>
    overTime ? { l: 60, r: 52, t: 22, b: 40 } : { l: 52, r: 14, t: 8, b: 40 };

  const layout = (chart, width) => {
    const soft = colour("soft"), rule = colour("rule"), paper = colour("paper");
    const overTime = chart.marks.length > 0;
    const made = {
      ...chart.layout,
      autosize: true,
      height: chart.wide ? 300 : 280,
      margin: margin(overTime),
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: 12, color: soft },
      hoverlabel: { bgcolor: paper, bordercolor: rule, font: { color: colour("ink"), size: 12 } },
      legend: { orientation: "h", y: -0.2, yanchor: "top", x: 0, font: { size: 11 } },
      dragmode: touch ? false : "zoom",
      showlegend: chart.layout.showlegend ?? chart.traces.filter((t) => t.name).length > 1,
    };
    for (const name of Object.keys(chart.layout))
      if (/^[xy]axis/.test(name)) made[name] = axis(chart.layout[name], overTime, soft, rule);
    if (made.coloraxis)
      made.coloraxis = { ...made.coloraxis, colorscale: [[0, colour("band")], [1, colour("c0")]] };
    made.shapes = chart.marks.map(([x]) => ({
      type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper",
      line: { color: soft, width: 1, dash: "dot" },
    }));
    // Names of the levels, as many as fit beside each other.
    const most = Math.max(1, Math.floor(width / 90));
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
    return Plotly.react(div, chart.traces.map(trace), layout(chart, div.clientWidth), config);
  }));

  // The lines of a chart's CSV, as chart.py names the places they are in.
  const lines = {
    rows: (chart) => chart.rows,
    points: (chart) => chart.traces.flatMap((each) =>
      (each.customdata ?? each.x).map((x, n) => [each.name, x, each.y[n]])
        .filter(([, , y]) => y !== null)),
    shared: (chart) => chart.traces[0].x.map((x, n) => [x, ...chart.traces.map((t) => t.y[n])]),
    counts: (chart) => chart.traces.flatMap((each) => each.x.slice(1).flatMap((_, span) =>
      each.z.map((row, n) => [each.x[span], each.y[n], each.y[n + 1], row[span]])
        .filter(([, , , count]) => count))),
  };
  const cell = (value) => {
    if (value === null) return "";
    if (typeof value !== "string") return String(value);
    // A spreadsheet runs a text that begins like a formula.
    const text = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/.test(value) ? "'" + value : value;
    return '"' + text.replace(/"/g, '""') + '"';
  };
  const csv = (chart) =>
    "\ufeff" + [chart.columns, ...lines[chart.table](chart)]
      .map((row) => row.map(cell).join(",") + "\r\n").join("");

  const save = (name, url) => {
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
  };
  const saveText = (name, text) => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    save(name, url);
    setTimeout(() => URL.revokeObjectURL(url), 60000); // some browsers read it only now
  };
  // A chart by itself, on paper and with its title: for a file that leaves the page.
  const picture = (n, form) => {
    const chart = charts[n], made = layout(chart, form.width);
    const text = plain(chart.of ? chart.title + ", " + chart.of : chart.title);
    made.title = { text, x: 0.01, y: 0.98, yanchor: "top", font: { size: 14 } };
    made.margin.t += 24;
    made.paper_bgcolor = made.plot_bgcolor = colour("paper");
    return Plotly.toImage({ data: chart.traces.map(trace), layout: made }, form);
  };
  const click = (event) => {
    const button = event.target.closest("button[data-chart]");
    if (!button) return;
    const n = Number(button.dataset.chart), { key } = charts[n], format = button.dataset.as;
    if (format === "csv") saveText(key + ".csv", csv(charts[n]));
    else picture(n, { format, width: 900, height: 420, scale: 2 })
      .then((url) => save(key + "." + format, url));
  };

  const unpack = async () => {
    const text = atob(document.getElementById("plotly").textContent);
    const packed = new Blob([Uint8Array.from(text, (letter) => letter.charCodeAt(0))]);
    const script = document.createElement("script");
    const stream = packed.stream().pipeThrough(new DecompressionStream("deflate"));
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    script.remove(); // it has run: a page that is saved from a browser stays small
  };
  const begin = async () => {
    document.addEventListener("click", click);
    await unpack();
    await draw();
    for (const query of ["(prefers-color-scheme: dark)", "print"])
      window.matchMedia(query).addEventListener("change", draw);
    window.picture = picture; // for `tailrace charts`
    document.documentElement.setAttribute("data-drawn", charts.length);
  };
  begin().catch((error) => {
    const said = "The charts need a browser of 2023 or newer; all their figures are in the tables";
    for (const place of document.querySelectorAll(".charts"))
      place.insertAdjacentText("beforebegin", said + " and in result.json (" + error + ").");
    throw error;
  });
})();
