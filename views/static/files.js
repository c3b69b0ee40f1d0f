/* Files: uploads in pieces that survive a cut connection, forms that take a file along, and the preview in a dialog. Without this
   script a form sends its files itself and the preview opens in a window. The markup is in templates/files/macros.html. */
"use strict";

(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const TRIES = 5;
  const make = (tag, values = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), values);
    element.append(...children);
    return element;
  };
  const icon = (name) => { const mark = make("i", { className: `ti ti-${name}` }); mark.setAttribute("aria-hidden", "true"); return mark; };
  const sleep = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

  // ---- looking at a file: a dialog with the preview page in it (S0-84) ----

  const startPreviews = () => document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-preview]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const frame = make("iframe", { src: link.href, title: link.dataset.preview, className: "preview-frame" });
    const close = make("button", { className: "btn-close", type: "button", ariaLabel: JSON.parse(document.body.dataset.texts).close });
    const dialog = make("dialog", { className: "dialog dialog-preview", ariaLabel: link.dataset.preview }, make("div", { className: "dialog-preview-head" }, close), frame);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (click) => { if (click.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
    document.body.append(dialog);
    dialog.showModal();
  });

  // ---- one upload ----

  class Refused extends Error {}
  class Broken extends Error {}

  const token = () => one("input[name=csrf_token]").value;

  const ask = async (method, address, body) => {
    const headers = { Accept: "application/json", "X-CSRFToken": token() };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const answer = await fetch(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }).catch(() => { throw new Broken(); });
    if (answer.status >= 500) throw new Broken();
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refused(told.message || "");
    return told;
  };

  // fetch tells nothing of how far a piece has come; the older way does.
  const put = (address, piece, progress, signal) => new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("PUT", address);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-CSRFToken", token());
    request.upload.addEventListener("progress", (event) => progress(event.loaded));
    request.addEventListener("load", () => {
      if (request.status === 200 || request.status === 409) done();
      else if (request.status >= 500) fail(new Broken());
      else fail(new Refused((JSON.parse(request.responseText || "{}")).message || ""));
    });
    ["error", "abort", "timeout"].forEach((name) => request.addEventListener(name, () => fail(new Broken())));
    signal.addEventListener("abort", () => request.abort());
    request.send(piece);
  });

  class Transfer {
    constructor(box, file) {
      Object.assign(this, { box, file, stop: new AbortController(), id: null });
      this.memory = `upload ${box.table} ${box.slot} ${file.name} ${file.size} ${file.lastModified}`;
    }

    get address() { return `${this.box.address}/${this.id}`; }

    // Where a broken upload of the same file stands, or a new one.
    async open() {
      this.id = localStorage.getItem(this.memory);
      const known = this.id && await ask("GET", this.address).catch((error) => { if (error instanceof Broken) throw error; return null; });
      if (known && known.size === this.file.size) return known;
      const begun = await ask("POST", this.box.address, { name: this.file.name, size: this.file.size, table: this.box.table, slot: this.box.slot });
      this.id = begun.id;
      localStorage.setItem(this.memory, begun.id);
      return begun;
    }

    async run(progress) {
      let failures = 0;
      for (;;) {
        try {
          let state = await this.open();
          while (state.arrived < state.size) {
            const piece = this.file.slice(state.arrived, state.arrived + state.piece);
            await put(`${this.address}?offset=${state.arrived}`, piece, (sent) => progress(state.arrived + sent), this.stop.signal);
            state = await ask("GET", this.address);
            failures = 0;
            progress(state.arrived);
          }
          const file = await ask("POST", `${this.address}/finish`, { table: this.box.table, slot: this.box.slot });
          localStorage.removeItem(this.memory);
          return file;
        } catch (error) {
          if (error instanceof Refused) localStorage.removeItem(this.memory);
          failures += 1;
          if (!(error instanceof Broken) || this.stop.signal.aborted || failures >= TRIES) throw error;
          await sleep(500 * 2 ** failures);
        }
      }
    }

    async cancel() {
      this.stop.abort();
      localStorage.removeItem(this.memory);
      if (this.id) await ask("DELETE", this.address).catch(() => {});
    }
  }

  // ---- the box of one slot ----

  class Box {
    constructor(area) {
      this.area = area;
      this.address = area.dataset.uploader;
      this.table = area.dataset.table;
      this.slot = area.dataset.slot;
      this.most = Number(area.dataset.most);
      this.texts = JSON.parse(area.dataset.texts);
      this.list = one("[data-files]", area);
      this.input = one("input[type=file]", area);
      this.queue = Promise.resolve();
      this.waiting = 0;
      this.listen();
      if (this.input.files.length) this.choose(); // chosen before this script had come
    }

    choose() {
      this.take([...this.input.files]);
      this.input.value = "";
    }

    listen() {
      this.input.addEventListener("change", (event) => { event.stopPropagation(); this.choose(); });
      const drop = one("[data-drop]", this.area);
      drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("is-over"); });
      drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
      drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("is-over"); this.take([...event.dataTransfer.files]); });
      all("[data-remove]", this.list).forEach((button) => button.addEventListener("click", () => this.remove(button.closest("li"), button.dataset.remove)));
      this.area.closest("form").addEventListener("submit", (event) => {
        if (!this.waiting) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        this.complain(this.texts.busy);
        this.input.focus();
      }, true);
    }

    take(files) {
      this.complain("");
      const room = this.most - this.list.children.length;
      if (files.length > room) this.complain(this.texts.tooMany.replace("{most}", this.most));
      files.slice(0, Math.max(room, 0)).forEach((file) => this.add(file));
    }

    add(file) {
      const transfer = new Transfer(this, file);
      const bar = make("progress", { max: file.size || 1, value: 0, className: "bar bar-primary", ariaLabel: `${this.texts.progress} ${file.name}` });
      const note = make("span", { className: "file-size", textContent: this.texts.waiting });
      const remove = make("button", { type: "button", className: "btn btn-sm btn-ghost-danger" }, icon("x"), this.texts.remove, make("span", { className: "visually-hidden", textContent: ` ${file.name}` }));
      const line = make("li", { className: "file" }, icon("file"), make("span", { className: "file-name", textContent: file.name }), bar, note, remove);
      remove.addEventListener("click", () => { transfer.cancel(); this.remove(line, file.name); });
      this.list.append(line);
      this.start(transfer, line, bar, note);
    }

    start(transfer, line, bar, note) {
      this.waiting += 1;
      line.classList.remove("is-broken");
      this.queue = this.queue.then(() => this.send(transfer, line, bar, note)).finally(() => { this.waiting -= 1; });
    }

    async send(transfer, line, bar, note) {
      if (!line.isConnected) return;
      try {
        const file = await transfer.run((sent) => {
          bar.value = sent;
          note.textContent = sent >= transfer.file.size ? this.texts.checking : `${Math.floor(100 * sent / transfer.file.size)}%`;
        });
        if (line.isConnected) this.finish(line, file); else ask("DELETE", file.url.replace(/\/[^/]*$/, "")).catch(() => {});
      } catch (error) {
        if (!line.isConnected) return;
        if (error instanceof Refused) { line.remove(); this.complain(error.message || this.texts.failed); return; }
        note.textContent = this.texts.broken.replace("{percent}", `${Math.floor(100 * bar.value / bar.max)}%`);
        line.classList.add("is-broken");
        const again = make("button", { type: "button", className: "btn btn-sm", textContent: this.texts.retry });
        again.addEventListener("click", () => { again.remove(); this.start(transfer, line, bar, note); });
        line.lastElementChild.before(again);
      }
    }

    finish(line, file) {
      const act = (mark, text, values) => make("a", { className: "btn btn-sm", ...values }, icon(mark), text, make("span", { className: "visually-hidden", textContent: ` ${file.name}` }));
      const acts = make("span", { className: "file-acts" });
      if (file.preview) {
        const look = act("eye", this.texts.preview, { href: file.preview, target: "_blank" });
        look.dataset.preview = file.name;
        acts.append(look);
      }
      acts.append(act("download", this.texts.download, { href: file.url, download: "" }));
      const remove = line.lastElementChild.cloneNode(true);
      remove.addEventListener("click", () => { ask("DELETE", file.url.replace(/\/[^/]*$/, "")).catch(() => {}); this.remove(line, file.name); });
      const mark = icon(file.icon);
      mark.classList.add("file-icon");
      line.replaceChildren(
        make("input", { type: "hidden", name: `files.${this.slot}`, value: file.id }), mark, make("span", { className: "file-name", title: file.name, textContent: file.name }),
        make("span", { className: "file-size", textContent: file.size_text }), acts, remove,
      );
      this.say(this.texts.done.replace("{name}", file.name));
      this.changed();
    }

    remove(line, name) {
      line.remove();
      this.input.focus();
      this.complain("");
      this.say(this.texts.removed.replace("{name}", name));
      this.changed();
    }

    // The form watches for changes to warn who leaves without saving.
    changed() { this.area.dispatchEvent(new Event("change", { bubbles: true })); }

    say(text) { one("[data-said]", this.area).textContent = text; }

    complain(text) {
      const place = one("[data-error]", this.area);
      Object.assign(place, { textContent: text, hidden: !text });
    }
  }

  // ---- a form that takes its file along: whoever is signed out has no place to leave one. A refusal keeps what was chosen ----

  class Sending {
    constructor(form) {
      Object.assign(this, { form, texts: JSON.parse(form.dataset.texts), isOnItsWay: false });
      form.addEventListener("submit", (event) => { event.preventDefault(); if (!this.isOnItsWay) this.send(); });
    }

    // What is far too large would only be cut off on its way.
    isTooLarge() {
      const large = [...one("input[type=file]", this.form).files].find((file) => file.size > Number(this.form.dataset.largest));
      this.complain(large ? this.texts.tooLarge.replace("{name}", large.name) : "");
      return Boolean(large);
    }

    send() {
      if (this.isTooLarge()) return;
      const request = new XMLHttpRequest();
      const [bar, note] = one("[data-sending]", this.form).children;
      bar.ariaLabel = this.texts.progress;
      request.open("POST", location.href);
      request.setRequestHeader("Accept", "application/json");
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        Object.assign(bar, { max: total, value: loaded });
        note.textContent = loaded < total ? `${Math.floor(100 * loaded / total)}%` : this.texts.checking;
      });
      request.addEventListener("loadend", () => { this.show(false); this.end(request); });
      request.send(new FormData(this.form));
      this.show(true);
    }

    show(isOnItsWay) {
      this.isOnItsWay = isOnItsWay;
      one("[data-sending]", this.form).hidden = !isOnItsWay;
      one("button:not([type=button])", this.form).disabled = isOnItsWay;
    }

    end(request) {
      if (request.status === 422) { this.again(request.responseText); return; }
      const isOurs = (request.getResponseHeader("Content-Type") || "").startsWith("application/json");
      const told = isOurs ? JSON.parse(request.responseText) : {};
      if (told.url) location.assign(told.url); else this.complain(told.message || this.texts.broken);
    }

    // The page as the server draws it again, but with the file that is chosen already: a page cannot be sent with one.
    again(html) {
      const fresh = document.adoptNode(one("form[data-sends]", new DOMParser().parseFromString(html, "text/html")));
      const chosen = one("input[type=file]", this.form);
      const empty = one("input[type=file]", fresh);
      ["class", "aria-describedby", "aria-invalid"].forEach((name) => {
        if (empty.hasAttribute(name)) chosen.setAttribute(name, empty.getAttribute(name)); else chosen.removeAttribute(name);
      });
      empty.replaceWith(chosen);
      this.form.replaceChildren(...fresh.childNodes);
      one("[data-focus-first]", this.form).focus();
    }

    complain(text) { Object.assign(one("[data-broken]", this.form), { textContent: text, hidden: !text }); }
  }

  all("[data-uploader]").forEach((area) => new Box(area));
  all("form[data-sends]").forEach((form) => new Sending(form));
  startPreviews();
})();
