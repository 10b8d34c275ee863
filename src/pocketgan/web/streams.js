// Lets no answer get lost. Gradio's script opens a stream for answers, and takes it for open until it has read of its
// end; a question that the server takes meanwhile is answered on no stream. So the script reads one that stays, and
// those to the server are opened behind it, whenever answers are due.
(() => {
  "use strict";
  const ask = window.fetch.bind(window), encoder = new TextEncoder();

  class Session {
    due = new Set(); // questions that the server has taken
    early = new Set(); // those answered before that was known
    request = null;
    script = null; // the end of the stream that Gradio's script reads
    reads = false;

    taken(question) {
      if (!this.early.delete(question)) this.due.add(question);
      this.read();
    }

    open(request) {
      this.request = request;
      const stream = new ReadableStream({
        start: (end) => { this.script = end; },
        cancel: () => { this.script = null; },
      });
      this.read();
      return new Response(stream, { headers: { "Content-Type": "text/event-stream" } });
    }

    async read() {
      if (this.reads || !this.script || !this.due.size) return;
      this.reads = true;
      const script = this.script;
      try {
        const answer = await ask(this.request);
        if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let rest = ""; ;) {
          const { value, done } = await reader.read();
          if (done) break;
          const messages = (rest + value).split("\n\n");
          rest = messages.pop();
          for (const message of messages) this.pass(message, script);
        }
      } catch (problem) {
        script.error(problem);
        if (this.script === script) this.script = null;
      }
      this.reads = false;
      this.read();
    }

    pass(message, script) {
      const { msg, event_id } = JSON.parse(message.slice("data: ".length));
      if (msg === "close_stream") return;
      if (msg === "process_completed" && !this.due.delete(event_id)) this.early.add(event_id);
      script.enqueue(encoder.encode(`${message}\n\n`));
    }
  }

  const sessions = new Map();
  const session = (name) => {
    if (!sessions.has(name)) sessions.set(name, new Session());
    return sessions.get(name);
  };

  window.fetch = async (input, options) => {
    const address = new URL(input instanceof Request ? input.url : input, document.baseURI);
    if (address.pathname.endsWith("/queue/data")) {
      return session(address.searchParams.get("session_hash")).open(new Request(input, options));
    }
    const answer = await ask(input, options);
    if (!address.pathname.endsWith("/queue/join") || !answer.ok) return answer;
    const text = await answer.text();
    session(JSON.parse(options.body).session_hash).taken(JSON.parse(text).event_id);
    return new Response(text, answer);
  };
})();
