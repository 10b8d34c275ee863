// Moment of a slider: a cursor through all charts, the values there in the legends, and the classes generated then.
(() => {
  "use strict";
  const { axisOf, linesOf, place, relabel, valueAt, written } = window.pocketgan.charts;

  function bars(figure, moment) {
    const { steps, shares, sentences } = JSON.parse(figure.dataset.moments);
    const until = moment === null ? steps.length - 1 : steps.findLastIndex((step) => step <= moment);
    const index = Math.max(0, until), level = Number(figure.dataset.even || 0), plot = figure.querySelector(".pg-plot");
    const title = figure.dataset.title.replace("#", steps[index].toLocaleString(document.documentElement.lang));
    plot.dataset.yHigh = 1.1 * Math.max(level, ...shares[index]) || 1;
    const axis = axisOf(plot, "y"), names = [];
    figure.querySelectorAll("rect.bar").forEach((bar, one) => {
      const text = written(shares[index][one], true), name = bar.querySelector("title");
      const height = axis.share(shares[index][one]);
      bar.setAttribute("y", `${100 * (1 - height)}%`);
      bar.setAttribute("height", `${100 * height}%`);
      name.textContent = `${bar.dataset.name}: ${text}`;
      names.push(`${bar.dataset.name} ${text}`);
    });
    for (const end of ["y1", "y2"]) plot.querySelector(".level")?.setAttribute(end, `${100 * (1 - axis.share(level))}%`);
    relabel(plot, "y");
    plot.setAttribute("aria-label", `${title}: ${names.join("; ")}`);
    figure.querySelector("figcaption > b").textContent = title;
    figure.querySelector(".pg-line").textContent = sentences[index];
  }

  // `moment` is the position of the cursor; `latest` is true at the end, where legends show the last values.
  function show(root, moment, latest) {
    for (const plot of root.querySelectorAll(".pg-plot[data-lines]")) {
      place(plot.querySelector(".pg-cursor"), axisOf(plot, "x").share(moment));
      const lines = linesOf(plot), percent = "yPercent" in plot.dataset;
      plot.closest("figure").querySelectorAll(".key").forEach((key, index) => {
        const value = key.querySelector("b");
        if (index >= lines.length) return;
        value.dataset.last ??= value.textContent;
        value.textContent = latest ? value.dataset.last : written(valueAt(lines[index], moment), percent);
      });
    }
    for (const figure of root.querySelectorAll(".pg-bars")) bars(figure, latest ? null : moment);
  }

  window.pocketgan = { ...window.pocketgan, show };
})();
