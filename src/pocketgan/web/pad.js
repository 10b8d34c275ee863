// Drawing area, white on black, for mouse, pen, finger or keyboard; pictures can be dropped on it or opened.
const canvas = element.querySelector("canvas");
const ink = canvas.getContext("2d", { willReadFrequently: true });
const pen = element.querySelector(".pen");
const said = element.querySelector("[data-pen]");
const SIDE = canvas.width, WIDTH = 22, SENT = 112, EVERY = 150, STEP = 7;
let last = null, timer = 0, waiting = false;
let spot = { x: SIDE / 2, y: SIDE / 4 }, down = false;

const wipe = () => {
  ink.fillStyle = "#000";
  ink.fillRect(0, 0, SIDE, SIDE);
};

const line = (from, to) => {
  ink.strokeStyle = "#fff";
  ink.lineWidth = WIDTH;
  ink.lineCap = ink.lineJoin = "round";
  ink.beginPath();
  ink.moveTo(from.x, from.y);
  ink.lineTo(to.x + 0.01, to.y);
  ink.stroke();
};

// The drawing is sent as gray levels, at most once per EVERY milliseconds. It is sent as the component's value, of which
// Gradio takes the latest when it is ready; data in the event itself would be that of the first event.

const greys = () => {
  const small = document.createElement("canvas");
  small.width = small.height = SENT;
  const brush = small.getContext("2d");
  brush.imageSmoothingQuality = "high";
  brush.drawImage(canvas, 0, 0, SENT, SENT);
  const pixels = brush.getImageData(0, 0, SENT, SENT).data;
  let text = "";
  for (let place = 0; place < pixels.length; place += 4) text += String.fromCharCode(pixels[place]);
  return btoa(text);
};

const send = () => {
  if (timer) {
    waiting = true;
    return;
  }
  props.value = greys();
  trigger("draw");
  timer = setTimeout(() => {
    timer = 0;
    if (waiting) {
      waiting = false;
      send();
    }
  }, EVERY);
};

const clear = () => {
  wipe();
  send();
};

// Mouse, pen and finger.

const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return { x: ((event.clientX - box.left) * SIDE) / box.width, y: ((event.clientY - box.top) * SIDE) / box.height };
};

canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  canvas.setPointerCapture(event.pointerId);
  last = place(event);
  line(last, last);
  send();
});
canvas.addEventListener("pointermove", (event) => {
  if (!last) return;
  for (const one of event.getCoalescedEvents ? event.getCoalescedEvents() : [event]) {
    const next = place(one);
    line(last, next);
    last = next;
  }
  send();
});
for (const end of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(end, () => {
    if (last) send();
    last = null;
  });
}

// Keys.

const showPen = (shown) => {
  pen.hidden = !shown;
  pen.classList.toggle("down", down);
  pen.style.left = `${(100 * spot.x) / SIDE}%`;
  pen.style.top = `${(100 * spot.y) / SIDE}%`;
};

canvas.addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (event.key in moves) {
    const [x, y] = moves[event.key];
    const within = (value) => Math.min(SIDE - WIDTH / 2, Math.max(WIDTH / 2, value));
    const next = { x: within(spot.x + STEP * x), y: within(spot.y + STEP * y) };
    if (down) {
      line(spot, next);
      send();
    }
    spot = next;
  } else if (event.key === " ") {
    down = !down;
    said.textContent = down ? said.dataset.down : said.dataset.up;
    if (down) {
      line(spot, spot);
      send();
    }
  } else if (event.key === "Delete" || event.key === "Backspace") {
    clear();
  } else return;
  event.preventDefault();
  showPen(true);
});
canvas.addEventListener("focus", () => showPen(canvas.matches(":focus-visible")));
canvas.addEventListener("blur", () => {
  down = false;
  said.textContent = "";
  showPen(false);
});

element.querySelector("[data-clear]").addEventListener("click", clear);

// Files.

const take = async (file) => {
  if (!file) return;
  wipe();
  try {
    const sent = await upload(file);
    trigger("file", { path: sent.path });
  } catch {
    trigger("file", { path: "" });
  }
};

const open = element.querySelector("input[type=file]");
open.addEventListener("change", () => {
  take(open.files[0]);
  open.value = "";
});
for (const kind of ["dragenter", "dragover"]) {
  element.addEventListener(kind, (event) => {
    event.preventDefault();
    element.classList.add("over");
  });
}
element.addEventListener("dragleave", () => element.classList.remove("over"));
element.addEventListener("drop", (event) => {
  event.preventDefault();
  element.classList.remove("over");
  take(event.dataTransfer.files[0]);
});

wipe();
