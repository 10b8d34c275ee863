// Charts: values at the pointer or the position of the arrow keys, zoom, and tick marks of axes that change.
(() => {
  "use strict";
  const language = () => document.documentElement.lang;
  const localised = (value, options) => value.toLocaleString(language(), options).replace("-", "−");

  function written(value, percent) {
    if (value === null || value === undefined) return "–";
    if (percent) return `${localised(100 * value, { maximumFractionDigits: value < 0.1 ? 1 : 0 })}%`;
    return localised(value, Math.abs(value) >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });
  }

  const known = new WeakMap();
  function linesOf(plot) {
    if (!known.has(plot)) known.set(plot, JSON.parse(plot.dataset.lines));
    return known.get(plot);
  }
  const shown = (plot) => linesOf(plot).filter((line) => !plot.querySelector(`.off[data-place="${line.place}"]`));

  // Value of a line at a position: that of the last point up to there, and none before the first point.
  function indexAt(line, x) {
    let low = 0, high = line.x.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (line.x[middle] <= x * (1 + 1e-9)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
  const valueAt = (line, x) => line.y[indexAt(line, x)] ?? null;

  // Axes: `share` is a value's position, 0 to 1 in the plot, and `value` is the inverse. Rows of names have heights.

  function axisOf(plot, name) {
    const { [`${name}Low`]: low = 0, [`${name}High`]: high = 1 } = plot.dataset;
    const curved = `${name}Log` in plot.dataset, ends = [low, high].map(Number);
    const [first, last] = curved ? ends.map(Math.log) : ends;
    const share = (value) => ((curved ? Math.log(value) : value) - first) / (last - first);
    const value = (part) => (curved ? Math.exp : Number)(first + part * (last - first));
    return { ends, curved, share, value };
  }

  // Tick marks, as in Python; each with the number of its decimals.
  function ticks([low, high], curved, most) {
    if (curved && high > 4 * low) {
      const values = [];
      for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
        for (const digit of [1, 2, 5]) values.push([digit * 10 ** power, Math.max(0, -power)]);
      }
      const inside = values.filter(([value]) => value >= low && value <= high);
      return inside.filter((_, place) => place % Math.ceil(inside.length / most) === 0);
    }
    const power = Math.floor(Math.log10((high - low) / most));
    const factor = [1, 2, 2.5, 5, 10].find((one) => (high - low) / (one * 10 ** power) <= most), step = factor * 10 ** power;
    const first = Math.ceil(low / step - 1e-9), count = Math.floor(high / step + 1e-9) - first + 1;
    const decimals = Math.max(0, (factor === 2.5 ? 1 : 0) - power);
    return Array.from({ length: count }, (_, place) => [(first + place) * step, decimals]);
  }

  // Tick marks of an axis in a plot: their labels, and the rules through the plot.
  function marksOf(plot, name) {
    return [...plot.querySelectorAll(`.t${name}:not(.name), .rule.${name}`)];
  }

  // Replaces the tick marks of an axis whose ends have changed.
  function relabel(plot, name, most = 5) {
    const axis = axisOf(plot, name), percent = `${name}Percent` in plot.dataset;
    const rules = plot.querySelector(".pg-view > svg");
    for (const old of marksOf(plot, name)) old.remove();
    const ruled = name === "y" || plot.classList.contains("upright");
    for (const [value, decimals] of ticks(axis.ends, axis.curved, most)) {
      const share = axis.share(value), at = `${100 * (name === "y" ? 1 - share : share)}%`;
      const label = Object.assign(document.createElement("span"), { className: `t${name}` });
      label.textContent = percent ? `${localised(100 * value, { maximumFractionDigits: Math.max(0, decimals - 2) })}%`
        : localised(value, { maximumFractionDigits: Math.min(20, decimals) });
      label.style[name === "y" ? "top" : "left"] = at;
      plot.append(label);
      if (!ruled) continue;
      const rule = document.createElementNS("http://www.w3.org/2000/svg", "line"), other = name === "y" ? "x" : "y";
      const ends = { [`${name}1`]: at, [`${name}2`]: at, [`${other}1`]: "0%", [`${other}2`]: "100%", class: `rule ${name}` };
      for (const [key, end] of Object.entries(ends)) rule.setAttribute(key, end);
      rules.append(rule);
    }
  }

  function place(mark, share) {
    mark.hidden = !(share >= 0 && share <= 1);
    mark.style.left = `${100 * share}%`;
  }

  // Values: of all lines at one x, with a crosshair through all charts of a group, or those of the nearest point.

  const groupOf = (plot) => [...(plot.closest(".pg-charts")?.querySelectorAll(".pg-plot[data-lines]") ?? [plot])];
  const isNear = (plot) => plot.dataset.tip === "near";

  function row(name, value = "", line = null) {
    const result = document.createElement("p"), bold = document.createElement("b");
    if (line) result.append(Object.assign(document.createElement("i"), { className: `c${line.colour}` }));
    bold.textContent = value;
    result.append(`${name} `, bold);
    return result;
  }

  const span = (line, index, percent) => line.low
    ? ` (${written(line.low[index], percent)} – ${written(line.high[index], percent)})` : "";

  function tell(plot, share, rows) {
    const tip = plot.querySelector(".pg-tip");
    tip.replaceChildren(...rows);
    tip.hidden = false;
    tip.style.left = share <= 0.5 ? `calc(${100 * share}% + 10px)` : "";
    tip.style.right = share > 0.5 ? `calc(${100 * (1 - share)}% + 10px)` : "";
  }

  function point(plot, x) {
    for (const other of groupOf(plot).filter((one) => !isNear(one))) {
      place(other.querySelector(".pg-cross"), axisOf(other, "x").share(x));
      if (other !== plot) other.querySelector(".pg-tip").hidden = true;
    }
    plot.dataset.at = x;
    const percent = "yPercent" in plot.dataset, rows = [row(`${plot.dataset.x}: ${written(x, false)}`)];
    for (const line of shown(plot)) {
      if (x > line.x[line.x.length - 1] * (1 + 1e-9)) continue;
      rows.push(row(line.name, written(valueAt(line, x), percent) + span(line, indexAt(line, x), percent), line));
    }
    tell(plot, axisOf(plot, "x").share(x), rows);
  }

  // Shows one point: `found` is a line and the index of the point.
  function pointOut(plot, { line, index }) {
    const percent = "yPercent" in plot.dataset, x = axisOf(plot, "x"), y = axisOf(plot, "y");
    const rows = [row(line.name, "", line), ...(line.notes ? [row(line.notes[index])] : [])];
    const named = "y" in plot.dataset;
    rows.push(row(`${plot.dataset.x}:`, written(line.x[index], false) + (named ? "" : span(line, index, false))));
    if (named) rows.push(row(`${plot.dataset.y}:`, written(line.y[index], percent) + span(line, index, percent)));
    tell(plot, x.share(line.x[index]), rows);
    place(plot.querySelector(".pg-cross"), x.share(line.x[index]));
    const tip = plot.querySelector(".pg-tip"), lowest = Math.max(4, plot.clientHeight - tip.offsetHeight);
    tip.style.top = `${Math.min(lowest, Math.max(4, plot.clientHeight * (1 - y.share(line.y[index])) - 24))}px`;
    plot.dataset.at = pointsOf(plot).findIndex((one) => one.line === line && one.index === index);
  }

  // All points that are visible, from left to right.
  function pointsOf(plot) {
    const x = axisOf(plot, "x"), y = axisOf(plot, "y"), inside = (share) => share >= -0.01 && share <= 1.01;
    const all = shown(plot).flatMap((line) => line.x.map((_, index) => ({ line, index })));
    return all.filter(({ line, index }) => line.y[index] !== null && inside(x.share(line.x[index])) && inside(y.share(line.y[index])))
      .sort((one, other) => one.line.x[one.index] - other.line.x[other.index]);
  }

  function nearest(plot, event) {
    const box = plot.getBoundingClientRect(), x = axisOf(plot, "x"), y = axisOf(plot, "y");
    const far = ({ line, index }) => Math.hypot(
      box.left + x.share(line.x[index]) * box.width - event.clientX,
      box.bottom - y.share(line.y[index]) * box.height - event.clientY,
    );
    const all = pointsOf(plot);
    return all.length ? all.reduce((best, one) => (far(one) < far(best) ? one : best)) : null;
  }

  const placesOf = (plot) => [...new Set(shown(plot).flatMap((line) => line.x))]
    .filter((x) => axisOf(plot, "x").share(x) <= 1 && axisOf(plot, "x").share(x) >= 0).sort((a, b) => a - b);

  function look(plot, event) {
    if (isNear(plot)) {
      const found = nearest(plot, event);
      return found ? pointOut(plot, found) : leave(plot);
    }
    const box = plot.getBoundingClientRect(), at = axisOf(plot, "x").value((event.clientX - box.left) / box.width);
    const places = placesOf(plot);
    return places.length ? point(plot, places.reduce((best, x) => (Math.abs(x - at) < Math.abs(best - at) ? x : best))) : leave(plot);
  }

  function leave(plot) {
    for (const other of groupOf(plot)) other.querySelector(".pg-cross").hidden = other.querySelector(".pg-tip").hidden = true;
  }

  const plotOf = (event) => event.target.closest?.(".pg-plot[data-lines]");
  document.addEventListener("pointermove", (event) => {
    const plot = plotOf(event);
    if (plot && !dragged) look(plot, event);
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
    const places = isNear(plot) ? pointsOf(plot) : placesOf(plot), last = places.length - 1, at = Number(plot.dataset.at);
    const now = plot.querySelector(".pg-tip").hidden ? -1 : isNear(plot) ? at : places.indexOf(at);
    const to = { ArrowRight: now < 0 ? last : now + 1, ArrowLeft: now < 0 ? last : now - 1, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    (isNear(plot) ? pointOut : point)(plot, places[Math.min(last, Math.max(0, to))]);
  });

  // Zoom: a drag with the mouse shows a part of the chart, and a double click shows all again.

  let dragged = null;
  const whole = new WeakMap();

  function zoom(plot, ends) {
    if (!whole.has(plot)) {
      const [x, y] = ["x", "y"].map((name) => ({ ...axisOf(plot, name), marks: marksOf(plot, name) }));
      whole.set(plot, { x, y });
    }
    const shapes = plot.querySelector(".pg-shapes"), full = whole.get(plot);
    for (const name of plot.dataset.zoom) {
      const [first, last] = ends?.[name] ?? full[name].ends, [start, end] = [first, last].map(full[name].share);
      Object.assign(plot.dataset, { [`${name}Low`]: first, [`${name}High`]: last });
      shapes.style[name === "x" ? "width" : "height"] = `${100 / (end - start)}%`;
      shapes.style[name === "x" ? "left" : "top"] = `${(-100 * (name === "x" ? start : 1 - end)) / (end - start)}%`;
      relabel(plot, name, 6);
      if (ends) continue;
      for (const mark of marksOf(plot, name)) mark.remove();
      for (const mark of full[name].marks) (mark.matches("span") ? plot : plot.querySelector(".pg-view > svg")).append(mark);
    }
    leave(plot);
  }

  // The dragged part, as fractions of the plot; an axis along which the drag is short is kept whole.
  function part(event) {
    const { plot, x, y } = dragged, box = plot.getBoundingClientRect(), limit = (share) => Math.min(1, Math.max(0, share));
    const sides = {
      x: [x, event.clientX].map((at) => limit((at - box.left) / box.width)).sort((a, b) => a - b),
      y: [y, event.clientY].map((at) => limit((box.bottom - at) / box.height)).sort((a, b) => a - b),
    };
    const pixels = { x: box.width, y: box.height };
    const used = [...plot.dataset.zoom].filter((name) => (sides[name][1] - sides[name][0]) * pixels[name] > 12);
    return { used, sides: { x: used.includes("x") ? sides.x : [0, 1], y: used.includes("y") ? sides.y : [0, 1] } };
  }

  document.addEventListener("pointerdown", (event) => {
    const plot = plotOf(event);
    if (!plot?.dataset.zoom || event.button !== 0 || event.pointerType === "touch") return;
    const box = Object.assign(document.createElement("i"), { className: "pg-box" });
    dragged = { plot, box, x: event.clientX, y: event.clientY };
    plot.append(box);
  });
  document.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    const { used, sides } = part(event), { style } = dragged.box;
    leave(dragged.plot);
    dragged.box.hidden = !used.length;
    [style.left, style.right] = [sides.x[0], 1 - sides.x[1]].map((share) => `${100 * share}%`);
    [style.bottom, style.top] = [sides.y[0], 1 - sides.y[1]].map((share) => `${100 * share}%`);
  });
  document.addEventListener("pointerup", (event) => {
    if (!dragged) return;
    const { plot, box } = dragged, { used, sides } = part(event);
    box.remove();
    dragged = null;
    if (used.length) zoom(plot, Object.fromEntries(["x", "y"].map((name) => [name, sides[name].map(axisOf(plot, name).value)])));
  });
  document.addEventListener("pointercancel", () => { dragged?.box.remove(); dragged = null; });
  document.addEventListener("dblclick", (event) => { if (plotOf(event)?.dataset.zoom) zoom(plotOf(event), null); });

  window.pocketgan = { ...window.pocketgan, charts: { axisOf, linesOf, place, relabel, valueAt, written } };
})();
