// Draws the usage charts of portal pages. The numbers stand in the page as JSON; Chart.js is loaded when one is needed.
(() => {
  "use strict";
  if (window.wsportalUsage) {
    window.wsportalUsage();
    return;
  }

  const loaded = new Map();
  function load(source) {
    if (!loaded.has(source)) {
      loaded.set(source, new Promise((resolve, reject) => {
        if (window.Chart) {
          resolve();
          return;
        }
        const script = document.createElement("script");
        script.src = source;
        script.onload = resolve;
        script.onerror = reject;
        document.head.append(script);
      }));
    }
    return loaded.get(source);
  }

  function draw(canvas) {
    const data = JSON.parse(document.getElementById(canvas.dataset.usageChart).textContent);
    const style = getComputedStyle(canvas);
    const colour = (name, other) => style.getPropertyValue(name).trim() || other;
    const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
    const bars = (label, values, shade) => ({ label, data: values, backgroundColor: shade, borderRadius: 2 });
    new window.Chart(canvas, {
      type: "bar",
      data: {
        labels: data.labels.map((text) => hour.format(new Date(text))),
        datasets: [
          bars("From clients", data.in, colour("--tblr-primary", "#066fd1")),
          bars("To clients", data.out, colour("--tblr-orange", "#f76707")),
        ],
      },
      options: {
        animation: false,
        aspectRatio: 4,
        interaction: { mode: "index", intersect: false },
        scales: { y: { beginAtZero: true, ticks: { precision: 0 } }, x: { ticks: { maxTicksLimit: 8 } } },
        plugins: { legend: { position: "bottom" } },
      },
    });
  }

  window.wsportalUsage = () => {
    for (const canvas of document.querySelectorAll("canvas[data-usage-chart]:not([data-drawn])")) {
      canvas.dataset.drawn = "yes";
      load(canvas.dataset.chartSource).then(() => draw(canvas), () => canvas.remove());
    }
  };
  window.wsportalUsage();
})();
