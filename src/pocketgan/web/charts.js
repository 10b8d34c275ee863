// Charts: values at the pointer or the position of the arrow keys, and legends at the moment of a slider.
(() => {
  "use strict";
  const language = () => document.documentElement.lang;

  function written(value, percent) {
    if (value === null || value === undefined) return "–";
    const large = Math.abs(value) >= 1000;
    if (percent) return `${(100 * value).toLocaleString(language(), { maximumFractionDigits: value < 0.1 ? 1 : 0 })}%`;
    return value.toLocaleString(language(), large ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });
  }

  const known = new WeakMap();
  function linesOf(plot) {
    if (!known.has(plot)) known.set(plot, JSON.parse(plot.dataset.lines));
    return known.get(plot);
  }

  // Value of a line at a position: that of the last point up to there, and none before the first point.
  function valueAt(line, x) {
    let low = 0, high = line.x.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (line.x[middle] <= x * (1 + 1e-9)) low = middle + 1;
      else high = middle;
    }
    return low ? line.y[low - 1] : null;
  }

  const placesOf = (plot) => [...new Set(linesOf(plot).flatMap((line) => line.x))].sort((a, b) => a - b);
  const shareOf = (plot, x) => (x - Number(plot.dataset.from)) / (Number(plot.dataset.to) - Number(plot.dataset.from));

  function place(mark, share) {
    mark.hidden = !(share >= 0 && share <= 1);
    mark.style.left = `${100 * share}%`;
  }

  // Crosshair: one line through all charts of a group, with the values beside it in one chart.

  function point(plot, x) {
    for (const other of plot.closest(".pg-charts").querySelectorAll(".pg-plot")) {
      place(other.querySelector(".pg-cross"), shareOf(other, x));
      if (other !== plot) other.querySelector(".pg-tip").hidden = true;
    }
    plot.dataset.at = x;
    const tip = plot.querySelector(".pg-tip"), share = shareOf(plot, x);
    const percent = "percent" in plot.dataset, rows = [`${plot.dataset.x}: ${written(x, false)}`];
    tip.replaceChildren(Object.assign(document.createElement("p"), { textContent: rows[0] }));
    for (const line of linesOf(plot)) {
      const row = document.createElement("p"), mark = document.createElement("i"), value = document.createElement("b");
      if (x > line.x[line.x.length - 1] * (1 + 1e-9)) continue;
      mark.className = `c${line.colour}`;
      value.textContent = written(valueAt(line, x), percent);
      row.append(mark, `${line.name} `, value);
      tip.append(row);
    }
    tip.hidden = false;
    tip.style.left = share <= 0.5 ? `calc(${100 * share}% + 10px)` : "";
    tip.style.right = share > 0.5 ? `calc(${100 * (1 - share)}% + 10px)` : "";
  }

  function leave(plot) {
    for (const other of plot.closest(".pg-charts")?.querySelectorAll(".pg-plot") || []) {
      other.querySelector(".pg-cross").hidden = other.querySelector(".pg-tip").hidden = true;
    }
  }

  const plotOf = (event) => event.target.closest?.(".pg-plot[data-lines]");
  document.addEventListener("pointermove", (event) => {
    const plot = plotOf(event);
    if (!plot) return;
    const box = plot.getBoundingClientRect(), from = Number(plot.dataset.from), to = Number(plot.dataset.to);
    const at = from + ((event.clientX - box.left) / box.width) * (to - from);
    point(plot, placesOf(plot).reduce((best, x) => (Math.abs(x - at) < Math.abs(best - at) ? x : best)));
  });
  document.addEventListener("pointerout", (event) => {
    const plot = plotOf(event);
    if (plot && !plot.contains(event.relatedTarget)) leave(plot);
  });
  document.addEventListener("focusout", (event) => { if (plotOf(event)) leave(plotOf(event)); });
  document.addEventListener("keydown", (event) => {
    const plot = plotOf(event);
    if (!plot) return;
    if (event.key === "Escape") return leave(plot);
    const places = placesOf(plot), last = places.length - 1;
    const now = plot.querySelector(".pg-tip").hidden ? -1 : places.indexOf(Number(plot.dataset.at));
    const to = { ArrowRight: now < 0 ? last : now + 1, ArrowLeft: now < 0 ? last : now - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    point(plot, places[Math.min(last, Math.max(0, to))]);
  });

  // Moment of a slider: a cursor through all charts, the values there in the legends, and the classes generated then.

  function bars(figure, moment) {
    const { steps, shares, sentences } = JSON.parse(figure.dataset.moments);
    const until = moment === null ? steps.length - 1 : steps.findLastIndex((step) => step <= moment);
    const index = Math.max(0, until);
    const even = figure.querySelector(".even"), level = Number(even?.dataset.even || 0);
    const top = 1.1 * Math.max(level, ...shares[index]) || 1;
    even?.style.setProperty("--at", level / top);
    figure.querySelector("figcaption > b").textContent = figure.dataset.title.replace("#", steps[index].toLocaleString(language()));
    figure.querySelector(".pg-line").textContent = sentences[index];
    figure.querySelectorAll("li").forEach((column, place) => {
      const text = written(shares[index][place], true);
      column.querySelector(".bar").style.height = `${(100 * shares[index][place]) / top}%`;
      column.querySelector(".sr").textContent = text;
      column.title = `${column.querySelector(".name").textContent}: ${text}`;
    });
  }

  // `moment` is the position of the cursor; `latest` is true at the end, where legends show the last values.
  function show(root, moment, latest) {
    for (const plot of root.querySelectorAll(".pg-plot[data-lines]")) {
      place(plot.querySelector(".pg-cursor"), shareOf(plot, moment));
      const lines = linesOf(plot), percent = "percent" in plot.dataset;
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
