// Own images for a training: files or folders are chosen or dropped, sent one by one, and stored by the server.
const zone = element.querySelector(".bring");
const state = zone.querySelector(".bring-state");
const bar = zone.querySelector("progress");
const cancel = zone.querySelector("[data-cancel]");
const accepted = new RegExp(zone.dataset.accepted, "i");
const AT_ONCE = 4;
let running = null;

// What was chosen or dropped, as {path, file}; hidden files are left out.

const isHidden = (path) => path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX");

const listed = async (folder) => {
  const reader = folder.createReader(), entries = [];
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return entries;
    entries.push(...some);
  }
};

const filesOf = async (entry, path = entry.name) => {
  if (entry.isFile) return [{ path, file: await new Promise((done, failed) => entry.file(done, failed)) }];
  const found = [];
  for (const one of await listed(entry)) found.push(...(await filesOf(one, `${path}/${one.name}`)));
  return found;
};

const dropped = async (data) => {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...data.files].map((file) => ({ path: file.name, file }));
  return (await Promise.all(entries.map((entry) => filesOf(entry)))).flat();
};

// The name of the data set: the only folder's, or the only file's without its ending.

const named = (files) => {
  const tops = new Set(files.map(({ path }) => path.split("/")[0]));
  if (tops.size !== 1) return "";
  const [top] = tops;
  return files.length === 1 && files[0].path === top ? top.replace(/\.[^.]+$/, "") : top;
};

// Requests.

const ask = async (path, options) => {
  const answer = await fetch(`data/${path}`, { method: "POST", ...options });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.status === 204 ? {} : answer.json();
};

const put = (job, { path, file }) =>
  new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    let before = 0;
    const count = (bytes) => {
      job.sent += bytes - before;
      before = bytes;
      show(job);
    };
    request.upload.onprogress = (event) => count(Math.min(event.loaded, file.size));
    request.onload = () => {
      job.requests.delete(request);
      if (request.status >= 300) return failed(new Error(request.responseText));
      count(file.size);
      return done();
    };
    request.onerror = () => failed(new Error(zone.dataset.failed));
    request.onabort = () => failed(new Error(""));
    request.open("PUT", `data/file?token=${encodeURIComponent(job.token)}&path=${encodeURIComponent(path)}`);
    job.requests.add(request);
    request.send(file);
  });

const show = (job) => {
  const share = job.size ? Math.floor((100 * job.sent) / job.size) : 100;
  if (share === job.share) return;
  job.share = share;
  bar.value = share;
  state.textContent = zone.dataset.uploading.replace("{share}", share).replace("{files}", job.count);
};

const say = (text, wrong = false) => {
  state.textContent = text;
  state.classList.toggle("bad", wrong);
};

// The server looks at data, or has finished.
window.pocketgan.looking = (going) => {
  if (going) say(zone.dataset.looking);
  else if (state.textContent === zone.dataset.looking) say("");
};

const send = async (all) => {
  if (running || !all.length) return;
  const seen = all.filter(({ path }) => !isHidden(path));
  const known = seen.filter(({ path }) => accepted.test(path));
  const files = known.length ? known : (seen.length ? seen : all).slice(0, 1); // The server says what is wrong with it.
  const size = files.reduce((sum, { file }) => sum + file.size, 0);
  const job = { size, count: files.length, sent: 0, share: -1, token: "", requests: new Set() };
  running = job;
  say("");
  const focused = zone.contains(document.activeElement);
  zone.dataset.busy = "";
  if (focused) cancel.focus(); // The buttons for choosing are hidden now.
  show(job);
  try {
    const body = JSON.stringify({ name: named(files), files: files.length, bytes: size });
    job.token = (await ask("begin", { body })).token;
    const left = [...files];
    const worker = async () => {
      for (let one = left.shift(); one && running === job; one = left.shift()) await put(job, one);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    if (running !== job) return;
    say(zone.dataset.unpacking);
    const { data } = await ask(`end?token=${encodeURIComponent(job.token)}`);
    window.pocketgan.looking(true);
    trigger("brought", { data });
  } catch (error) {
    const text = error instanceof TypeError ? zone.dataset.failed : error.message;
    if (running === job) say(text, true);
    for (const request of job.requests) request.abort();
    if (job.token) ask(`cancel?token=${encodeURIComponent(job.token)}`).catch(() => {});
  } finally {
    if (running === job) running = null;
    const waits = document.activeElement === cancel;
    delete zone.dataset.busy;
    if (waits) zone.querySelector("input").focus();
  }
};

// Choosing, dropping, canceling.

for (const input of zone.querySelectorAll("input[type=file]")) {
  input.addEventListener("change", () => {
    send([...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
    input.value = "";
  });
}
let depth = 0;
zone.addEventListener("dragenter", (event) => {
  event.preventDefault();
  depth += 1;
  zone.classList.add("over");
});
zone.addEventListener("dragover", (event) => event.preventDefault());
zone.addEventListener("dragleave", () => {
  depth -= 1;
  if (depth <= 0) zone.classList.remove("over");
});
zone.addEventListener("drop", async (event) => {
  event.preventDefault();
  depth = 0;
  zone.classList.remove("over");
  send(await dropped(event.dataTransfer).catch(() => []));
});
cancel.addEventListener("click", () => {
  const job = running;
  running = null;
  say("");
  for (const request of job?.requests ?? []) request.abort();
});
