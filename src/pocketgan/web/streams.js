// Prevents lost answers. Gradio's script opens a stream for answers, and considers it open until it has read its end.
// Requests sent meanwhile wait until another request opens a stream. Here the script reads a permanent stream, and streams
// to the server are opened behind it whenever answers are due.
(() => {
  "use strict";
  const ask = window.fetch.bind(window), encoder = new TextEncoder();

  class Session {
    due = new Set(); // Requests that the server has accepted.
    early = new Set(); // Requests answered before their acceptance was known.
    request = null;
    script = null; // Controller of the stream that Gradio's script reads.
    reads = false;
    broken = false;

    taken(question) {
      if (!this.early.delete(question)) this.due.add(question);
      this.read();
    }

    open(request) {
      let end;
      const stream = new ReadableStream({ start: (made) => { end = made; }, cancel: () => this.left(end) });
      request.signal.addEventListener("abort", () => this.left(end));
      Object.assign(this, { request, script: end, broken: false });
      this.read();
      return new Response(stream, { headers: { "Content-Type": "text/event-stream" } });
    }

    left(end) {
      if (this.script === end) this.script = null;
    }

    async read() {
      if (this.reads || !this.script || !this.due.size) return;
      this.reads = true;
      const script = this.script;
      let reader = null;
      try {
        const answer = await ask(this.request);
        reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        if (!answer.ok || !await this.passAll(reader, script)) throw new TypeError("the stream of answers broke off");
      } catch (problem) {
        reader?.cancel().catch(() => {});
        this.broken = this.script === script && this.due.size > 0;
        if (this.broken) script.error(problem);
        this.due.clear();
        this.early.clear();
      }
      this.reads = false;
      this.read();
    }

    // Reads to the end, since the server forgets a session whose stream is abandoned; returns whether the end arrived.
    async passAll(reader, script) {
      let rest = "", came = false;
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return came;
        const messages = (rest + value).split("\n\n");
        rest = messages.pop();
        for (const message of messages) {
          const { msg, event_id } = JSON.parse(message.slice("data: ".length));
          if (msg === "process_completed" && !this.due.delete(event_id)) this.early.add(event_id);
          if (msg === "unexpected_error") this.due.clear(); // The server has forgotten all requests.
          if (msg === "close_stream") came = true;
          else script.enqueue(encoder.encode(`${message}\n\n`));
        }
      }
    }
  }

  const sessions = new Map();
  const session = (name) => {
    if (!sessions.has(name)) sessions.set(name, new Session());
    return sessions.get(name);
  };

  async function join(input, options) {
    const asking = session(JSON.parse(options.body).session_hash);
    if (asking.broken) throw new TypeError("the stream of answers broke off"); // Gradio reports this, and reconnects.
    const answer = await ask(input, options);
    if (!answer.ok) return answer;
    const text = await answer.text();
    asking.taken(JSON.parse(text).event_id);
    return new Response(text, answer);
  }

  window.fetch = async (input, options) => {
    const address = new URL(input instanceof Request ? input.url : input, document.baseURI);
    if (address.pathname.endsWith("/queue/join")) return join(input, options);
    if (!address.pathname.endsWith("/queue/data")) return ask(input, options);
    return session(address.searchParams.get("session_hash")).open(new Request(input, options));
  };
})();
