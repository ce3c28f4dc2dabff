// Draws every chart of the portals. The numbers stand in the page as JSON (`data-chart` names the element), and in a table
// for whoever reads those; what is said is translated there: `data-names` is a JSON list, a name for each of `data-keys`.
// A box with `data-chart-box` is hidden until its chart is drawn, so without a script only the table is there.
(() => {
  "use strict";
  if (window.wsportalCharts) {
    window.wsportalCharts();
    return;
  }

  const BARS = 60; // more of them are thinner than a line
  const SIZES = ["B", "KB", "MB", "GB", "TB"];
  const FORMS = {
    minute: { hour: "2-digit", minute: "2-digit" },
    hour: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
    day: { day: "numeric", month: "short", timeZone: "UTC" },
    clock: { hour: "2-digit", minute: "2-digit" },
  };
  const language = document.documentElement.lang || undefined;
  const drawn = new Map();
  let library = null;

  function load(source) {
    library ??= window.Chart ? Promise.resolve() : new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
    return library;
  }

  function size(bytes) {
    const power = Math.min(SIZES.length - 1, bytes > 0 ? Math.floor(Math.log(bytes) / Math.log(1024)) : 0);
    return `${(bytes / 1024 ** power).toLocaleString(language, { maximumFractionDigits: 1 })} ${SIZES[power]}`;
  }

  function labels(data) {
    if (data.labels) return data.labels;
    const form = new Intl.DateTimeFormat(language, FORMS[data.form ?? data.step]);
    return data.starts.map((text) => form.format(new Date(text)));
  }

  function sets(canvas, data, shades, isLine) {
    const names = JSON.parse(canvas.dataset.names);
    const look = (shade) => (isLine ? { borderColor: shade, borderWidth: 1.5, pointRadius: 0 } : { borderRadius: 2 });
    return canvas.dataset.keys.split(" ").map((key, index) => (
      { label: names[index], data: data.columns[key], backgroundColor: shades[index], ...look(shades[index]) }
    ));
  }

  function draw(canvas) {
    const data = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    const style = getComputedStyle(canvas);
    const colour = (name, other) => style.getPropertyValue(name).trim() || other;
    const [ink, line] = [colour("--tblr-secondary", "#667382"), colour("--tblr-border-color", "#dadfe5")];
    const shades = [colour("--chart-first", "#0f766e"), colour("--chart-second", "#f76707")];
    const said = (value) => (canvas.dataset.unit === "bytes" ? size(value) : Number(value).toLocaleString(language));
    const isLine = (data.starts?.length ?? 0) > BARS;
    const datasets = sets(canvas, data, shades, isLine);
    drawn.get(canvas)?.destroy();
    drawn.set(canvas, new window.Chart(canvas, {
      type: isLine ? "line" : "bar",
      data: { labels: labels(data), datasets },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        scales: {
          y: { beginAtZero: true, ticks: { precision: 0, color: ink, callback: said }, grid: { color: line } },
          x: { ticks: { maxTicksLimit: 8, maxRotation: 0, color: ink }, grid: { display: false } },
        },
        plugins: {
          legend: { display: datasets.length > 1, position: "bottom", labels: { color: ink } },
          tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${said(item.parsed.y)}` } },
        },
      },
    }));
  }

  function show(canvas) {
    const box = canvas.closest("[data-chart-box]") ?? canvas;
    load(canvas.dataset.chartSource).then(() => {
      box.hidden = false;
      draw(canvas);
    }, () => { box.hidden = true; });
  }

  function again() {
    for (const [canvas, chart] of drawn) {
      if (canvas.isConnected) {
        draw(canvas);
      } else { // a page that came by htmx took its place
        chart.destroy();
        drawn.delete(canvas);
      }
    }
  }

  window.wsportalCharts = () => {
    for (const canvas of document.querySelectorAll("canvas[data-chart]")) if (!drawn.has(canvas)) show(canvas);
  };
  window.wsportalCharts();
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  matchMedia("print").addEventListener("change", again); // on paper it is black on white
})();
