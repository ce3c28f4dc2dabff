// Draws the charts of the Analytics pages. The numbers stand in the page as JSON, and in tables for whoever reads those.
(() => {
  "use strict";
  const canvases = [...document.querySelectorAll("canvas[data-analytics-chart]")];
  if (!canvases.length) return;
  const drawn = new Map();
  const BARS = 60; // more of them are thinner than a line

  function load(source) {
    return new Promise((resolve, reject) => {
      if (window.Chart) {
        resolve();
        return;
      }
      const script = document.createElement("script");
      script.src = source;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
  }

  const FORMS = {
    minute: { hour: "2-digit", minute: "2-digit" },
    hour: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
    day: { day: "numeric", month: "short", timeZone: "UTC" },
  };

  function labels(data) {
    if (data.labels) return data.labels;
    const form = new Intl.DateTimeFormat(document.documentElement.lang || undefined, FORMS[data.step]);
    return data.starts.map((text) => form.format(new Date(text)));
  }

  const SIZES = ["B", "KB", "MB", "GB", "TB"];
  function size(bytes) {
    const power = Math.min(SIZES.length - 1, bytes > 0 ? Math.floor(Math.log(bytes) / Math.log(1024)) : 0);
    return `${(bytes / 1024 ** power).toLocaleString(undefined, { maximumFractionDigits: 1 })} ${SIZES[power]}`;
  }

  function draw(canvas) {
    const data = JSON.parse(document.getElementById(canvas.dataset.analyticsChart).textContent);
    const style = getComputedStyle(canvas);
    const colour = (name, other) => style.getPropertyValue(name).trim() || other;
    const shades = [colour("--tblr-primary", "#066fd1"), colour("--tblr-orange", "#f76707")];
    const ink = colour("--tblr-secondary", "#667382");
    const line = colour("--tblr-border-color", "#dadfe5");
    const names = [canvas.dataset.labelsFirst, canvas.dataset.labelsSecond];
    const said = (value) => (canvas.dataset.unit === "bytes" ? size(value) : Number(value).toLocaleString());
    const keys = canvas.dataset.keys.split(" ");
    const isLong = (data.starts?.length ?? 0) > BARS;
    drawn.get(canvas)?.destroy();
    drawn.set(canvas, new window.Chart(canvas, {
      type: isLong ? "line" : "bar",
      data: {
        labels: labels(data),
        datasets: keys.map((key, index) => ({ label: names[index], data: data.columns[key], backgroundColor: shades[index], ...(isLong ? { borderColor: shades[index], borderWidth: 1.5, pointRadius: 0 } : { borderRadius: 2 }) })),
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        scales: {
          y: { beginAtZero: true, ticks: { precision: 0, color: ink, callback: said }, grid: { color: line } },
          x: { ticks: { maxTicksLimit: 8, maxRotation: 0, color: ink }, grid: { display: false } },
        },
        plugins: {
          legend: { display: keys.length > 1, position: "bottom", labels: { color: ink } },
          tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${said(item.parsed.y)}` } },
        },
      },
    }));
  }

  const all = () => canvases.forEach(draw);
  load(canvases[0].dataset.chartSource).then(() => {
    all();
    new MutationObserver(all).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  }, () => canvases.forEach((canvas) => canvas.remove()));
})();
