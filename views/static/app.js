/* What scripts add to pages that already work without them: asking before a step, remembering a selection, searching
   in long lists, watching long work. Pages say by data-… attributes what they want; there is no other coupling. */
"use strict";

(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const texts = JSON.parse(document.body.dataset.texts);

  // ---- menus: a native <details>; closes on Escape and on a click elsewhere, and is not cut off by a scrolling table ----

  const openMenus = () => all("details[data-menu][open]");

  const place = (menu) => {
    const body = one(".pop-body", menu);
    const clipped = menu.closest(".table-responsive");
    if (!body || !clipped) return;
    menu.closest("td").style.zIndex = menu.open ? 6 : ""; // the cells of that column stay put, each on a layer of its own
    if (!menu.open) return;
    const box = menu.getBoundingClientRect();
    const below = window.innerHeight - box.bottom > body.offsetHeight + 8;
    Object.assign(body.style, {
      position: "fixed", left: "auto", right: `${document.documentElement.clientWidth - box.right}px`,
      top: below ? `${box.bottom + 4}px` : `${box.top - body.offsetHeight - 4}px`,
    });
  };

  const startMenus = () => {
    all("details[data-menu]").forEach((menu) => menu.addEventListener("toggle", () => place(menu)));
    document.addEventListener("click", (event) => {
      openMenus().filter((menu) => !menu.contains(event.target)).forEach((menu) => { menu.open = false; });
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || one("dialog[open]")) return;
      openMenus().forEach((menu) => { menu.open = false; if (menu.contains(document.activeElement)) one("summary", menu).focus(); });
      const sidebar = one("#sidebar-open");
      if (sidebar && sidebar.checked) { sidebar.checked = false; sidebar.focus(); }
    });
    window.addEventListener("scroll", () => openMenus().filter((menu) => menu.closest(".table-responsive")).forEach((menu) => { menu.open = false; }), true);
  };

  // ---- dialogs ----

  const show = (dialog) => {
    const before = document.activeElement;
    dialog.addEventListener("close", () => before && before.focus(), { once: true });
    dialog.showModal();
  };

  const startDialogs = () => {
    all("[data-dialog]").forEach((opener) => opener.addEventListener("click", (event) => {
      event.preventDefault();
      show(document.getElementById(opener.dataset.dialog));
    }));
    all("[data-dialog-close]").forEach((closer) => closer.addEventListener("click", (event) => {
      event.preventDefault();
      closer.closest("dialog").close();
    }));
    all("dialog").forEach((dialog) => dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); }));
    all("[data-dismiss]").forEach((closer) => closer.addEventListener("click", () => closer.closest(".alert").remove()));
    all("[data-back]").forEach((link) => link.addEventListener("click", (event) => {
      if (history.length > 1) { event.preventDefault(); history.back(); }
    }));
  };

  // ---- confirmation: the button's own form is sent, with confirmed=1 and the comment ----

  const send = (button, answers) => {
    const form = button.form;
    form.addEventListener("formdata", (event) => {
      Object.entries(answers).forEach(([name, value]) => event.formData.set(name, value));
    }, { once: true });
    button.dataset.confirmed = "yes";
    form.requestSubmit(button);
    delete button.dataset.confirmed;
  };

  const drafts = new WeakMap(); // what was typed for a button and not sent, by mistake or to look something up

  const count = (button) => (button.getAttribute("form") === "selection" ? selectedCount() : 0);

  const ask = (button) => {
    const dialog = one("#confirm");
    const ok = one("[data-confirm-ok]", dialog);
    const records = count(button);
    const note = one("#confirm-comment", dialog);
    const error = one("#confirm-comment-error", dialog);
    const wanted = button.dataset.comment || "";
    one("[data-confirm-message]", dialog).textContent = button.dataset.confirm.replace("{n}", records);
    const line = one("[data-confirm-count]", dialog);
    line.hidden = !records;
    line.textContent = texts.records.replace("{n}", records);
    one("[data-confirm-comment]", dialog).hidden = !wanted;
    one("label[for=confirm-comment]", dialog).textContent = button.dataset.commentLabel || texts.comment;
    Object.assign(note, { value: drafts.get(button) || "", required: wanted === "required" });
    dialog.addEventListener("close", () => drafts.set(button, note.value), { once: true });
    error.hidden = true;
    ok.textContent = button.dataset.label || texts.ok;
    ok.className = `btn ${button.dataset.kind === "danger" ? "btn-danger" : "btn-primary"}`;
    ok.onclick = (event) => {
      event.preventDefault();
      if (wanted === "required" && !note.value.trim()) {
        Object.assign(error, { hidden: false, textContent: texts.commentMissing.replace("{label}", button.dataset.commentLabel || texts.comment) });
        note.focus();
        return;
      }
      dialog.close();
      send(button, wanted ? { confirmed: "1", comment: note.value } : { confirmed: "1" });
    };
    show(dialog);
  };

  const startConfirmations = () => document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || !button.dataset.confirm || button.dataset.confirmed) return;
    event.preventDefault();
    ask(button);
  });

  // ---- fields that belong to one choice of another field: while another is chosen they are neither shown nor sent ----

  const startShownWith = () => all("[data-shown-with]").forEach((control) => {
    const [name, value] = control.dataset.shownWith.split("=");
    const decider = control.form && control.form.elements[name];
    if (!decider) return;
    const update = () => {
      const shown = decider.value === value;
      control.closest(".field").hidden = !shown;
      control.disabled = !shown;
      if (control.tomselect) control.tomselect[shown ? "enable" : "disable"]();
    };
    decider.addEventListener("change", update);
    update();
  });

  // ---- a part of the page that takes longer to work out than the rest; without it there is a link ----

  const startLate = () => all("[data-late]").forEach(async (area) => {
    const answer = await fetch(area.dataset.late).catch(() => null);
    if (answer && answer.ok) area.innerHTML = await answer.text();
  });

  // ---- a masked value, shown in its place; the server notes who looked ----

  const startReveal = () => document.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!button || !("reveal" in button.dataset)) return;
    event.preventDefault();
    const answer = await fetch(button.formAction, { method: "POST", body: new FormData(button.form), headers: { Accept: "application/json" } });
    if (!answer.ok) { location.reload(); return; }
    button.previousElementSibling.textContent = (await answer.json()).text;
    button.remove();
  });

  // ---- codes to take along; where a page may not write to the clipboard they stay selected, and it says so ----

  const cellsOf = (row) => all("td:not([data-uncopied])", row).map((cell) => cell.textContent.trim()).join("\t");
  const textIn = (place) => (place.rows ? [...place.rows].map(cellsOf).join("\n") : place.textContent.trim());

  const startCopying = () => all("[data-copy]").forEach((button) => button.addEventListener("click", async () => {
    const place = document.getElementById(button.dataset.copy);
    const said = button.nextElementSibling;
    getSelection().selectAllChildren(place);
    const written = navigator.clipboard ? await navigator.clipboard.writeText(textIn(place)).then(() => true, () => false) : false;
    const done = written || document.execCommand("copy");
    said.textContent = "";
    setTimeout(() => { said.textContent = done ? button.dataset.copied : button.dataset.selectedOnly; }, 50); // a change, so it is read out each time
  }));

  // A second press while the first is on its way would do the step twice; a download leaves the page where it is.
  const startSendOnce = () => document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method") !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    setTimeout(() => { delete form.dataset.sent; }, 3000);
  });

  // ---- the selection of a list ----

  const rows = () => all("input[data-row]");
  const chosen = () => rows().filter((box) => box.checked);
  const everything = () => { const box = one("input[data-all]"); return box && box.checked ? Number(box.dataset.all) : 0; };
  const selectedCount = () => everything() || chosen().length;

  const showSelection = () => {
    const some = chosen().length;
    const boxes = rows();
    const head = one("[data-select-all]");
    const allOfThem = one("input[data-all]");
    if (!some && allOfThem) allOfThem.checked = false;
    if (head) Object.assign(head, { checked: some > 0 && some === boxes.length, indeterminate: some > 0 && some < boxes.length });
    boxes.forEach((box) => box.closest("tr").classList.toggle("is-chosen", box.checked));
    all("[data-selected]").forEach((place) => { place.textContent = selectedCount(); });
    all("[data-selection]").forEach((bar) => bar.classList.toggle("is-open", some > 0));
    all("[data-scope-selection]").forEach((radio) => {
      if (radio.disabled && some) radio.checked = true;
      if (radio.checked && !some) one("input[name=scope][value=all]", radio.form).checked = true;
      radio.disabled = !some;
    });
  };

  const startSelection = () => {
    if (!rows().length) return;
    const choose = (state) => { rows().forEach((box) => { box.checked = state; }); showSelection(); };
    document.addEventListener("change", (event) => {
      if (event.target.matches("[data-select-all]")) choose(event.target.checked);
      else if (event.target.matches("[data-row], [data-all]")) showSelection();
    });
    all("[data-unselect]").forEach((button) => button.addEventListener("click", () => choose(false)));
    all("form[data-export]").forEach((form) => {
      form.addEventListener("formdata", (event) => {
        if (event.formData.get("scope") !== "selection") return;
        if (everything()) event.formData.set("scope", "all");
        else chosen().forEach((box) => event.formData.append("id", box.value));
      });
      form.addEventListener("submit", () => form.closest("dialog").close());
    });
    showSelection(); // the browser may have kept ticks over a reload
  };

  // A table wider than its place keeps its buttons in sight; a shadow says that columns lie beneath them.
  const startTables = () => all(".table-responsive").forEach((area) => {
    new ResizeObserver(() => area.classList.toggle("is-cut", area.scrollWidth > area.clientWidth)).observe(area);
  });

  // ---- finding ----

  const startFinding = () => {
    all("form[data-drop-empty]").forEach((form) => form.addEventListener("formdata", (event) => {
      [...event.formData.entries()].filter(([, value]) => value === "").forEach(([name]) => event.formData.delete(name));
    }));
    all("[data-check-all]").forEach((button) => button.addEventListener("click", () => {
      const boxes = all(`input[name="${button.dataset.checkAll}"]`, button.form);
      const state = boxes.some((box) => !box.checked);
      boxes.forEach((box) => { box.checked = state; });
    }));
    all("[data-facets-url]").forEach(async (area) => {
      const answer = await fetch(area.dataset.facetsUrl, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const counts = await answer.json();
      all("[data-facet]", area).forEach((place) => {
        const found = (counts[place.dataset.facet] || {})[place.dataset.value];
        if (found !== undefined) place.textContent = found;
      });
    });
  };

  const startFinder = () => {
    const dialog = one("#finder");
    if (!dialog) return;
    const list = one("[data-finder-list]", dialog);
    const input = one("[data-finder-input]", dialog);
    const fill = () => {
      const wanted = input.value.trim().toLowerCase();
      const links = all(".menu a").filter((link) => one(".menu-label", link).textContent.toLowerCase().includes(wanted));
      list.replaceChildren(...links.map((link) => {
        const item = document.createElement("li");
        item.append(Object.assign(document.createElement("a"), { href: link.href, textContent: one(".menu-label", link).textContent }));
        return item;
      }));
      one("[data-finder-empty]", dialog).hidden = links.length > 0;
    };
    const open = () => { input.value = ""; fill(); show(dialog); };
    input.addEventListener("input", fill);
    one("form", dialog).addEventListener("submit", (event) => { event.preventDefault(); const first = one("a", list); if (first) first.click(); });
    all("[data-finder]").forEach((button) => button.addEventListener("click", open));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "k" || !(event.ctrlKey || event.metaKey) || one("dialog[open]")) return;
      event.preventDefault();
      open();
    });
  };

  // ---- choosing from long lists: <select data-remote="address"> asks address?q=… for {results: [{id, text}]} ----

  const remote = (address) => ({
    valueField: "id", labelField: "text", searchField: [], sortField: [], preload: "focus", score: () => () => 1,
    async load(typed, done) {
      const separator = address.includes("?") ? "&" : "?";
      const answer = await fetch(`${address}${separator}q=${encodeURIComponent(typed)}`, { headers: { Accept: "application/json" } });
      done(answer.ok ? (await answer.json()).results : undefined);
    },
    onType() { this.clearOptions((option) => this.items.includes(String(option.id))); },
  });

  const line = (text) => Object.assign(document.createElement("div"), { className: "no-results", textContent: text });

  const startSelects = () => all("select[data-remote], select[multiple]").forEach((select) => {
    const settings = select.dataset.remote ? remote(select.dataset.remote) : {};
    new TomSelect(select, {
      maxOptions: 200, hideSelected: true, hidePlaceholder: true,
      plugins: select.multiple ? { remove_button: { title: texts.remove } } : { clear_button: { title: texts.remove } },
      render: { no_results: () => line(texts.noResults), loading: () => line(texts.loading) },
      ...settings,
    });
    select.setAttribute("aria-hidden", "true"); // its label now belongs to the box that took its place
  });

  // ---- Flask-AppBuilder's own search: one parameter _flt_<comparison>_<column> for each value ----

  const startStockSearch = () => all("form[data-stock-search]").forEach((form) => {
    const lines = all("[data-column]", form).map((line_) => ({
      column: line_.dataset.column, comparison: one("[data-comparison]", line_), value: one("input, select, textarea", one(".stock-value", line_)),
    }));
    const active = JSON.parse(form.dataset.stockSearch);
    lines.forEach(({ column, comparison, value }) => {
      comparison.removeAttribute("name");
      // A form's defaults are not what somebody looks for.
      if (value.type === "checkbox") { value.checked = false; value.classList.add("form-check-input"); } else value.value = "";
      value.setAttribute("aria-label", one(`[data-column="${column}"] .form-label`, form).textContent);
      if (value.matches("select")) value.classList.replace("form-control", "form-select");
      if (value.matches("select:not([multiple])")) value.prepend(new Option("", "", true, !active.some(([name]) => name === column)));
      active.filter(([name]) => name === column).forEach(([, label, found]) => {
        const chosen_ = [found].flat().map(String);
        [...comparison.options].forEach((option) => { option.selected = option.text === label; });
        if (value.matches("select")) [...value.options].forEach((option) => { option.selected = chosen_.includes(option.value); });
        else if (value.type === "checkbox") value.checked = true;
        else value.value = chosen_[0];
      });
    });
    form.addEventListener("formdata", ({ formData }) => lines.forEach(({ column, comparison, value }) => {
      const typed = formData.getAll(value.name).filter((text) => text !== "");
      formData.delete(value.name);
      typed.forEach((text) => formData.append(`_flt_${comparison.value}_${column}`, text));
    }));
  });

  const startStockDates = () => all(".appbuilder_date input").forEach((input) => { input.type = "date"; });

  // ---- forms ----

  const startForms = () => {
    all("form[data-guard]").forEach((form) => {
      let changed = "changed" in form.dataset;
      form.addEventListener("input", () => { changed = true; });
      form.addEventListener("change", () => { changed = true; });
      form.addEventListener("submit", (event) => {
        // A half-typed date or number would reach the server as nothing; the browser says so instead.
        const unreadable = [...form.elements].find((control) => control.validity && control.validity.badInput);
        if (unreadable) { event.preventDefault(); unreadable.reportValidity(); return; }
        changed = false;
      });
      window.addEventListener("beforeunload", (event) => { if (changed) { event.preventDefault(); event.returnValue = texts.unsaved; } });
    });
    const summary = one("[data-focus-first]");
    if (!summary) return;
    summary.focus();
    all("a[href^='#']", summary).forEach((link) => link.addEventListener("click", (event) => {
      const control = document.getElementById(link.hash.slice(1));
      if (!control) return;
      event.preventDefault();
      const target = control.matches("fieldset") ? one("input:not([type=hidden])", control) : control;
      if (target.tomselect) target.tomselect.focus(); else target.focus();
    }));
  };

  // ---- long work ----

  const startProgress = () => all("[data-progress-url]").forEach((area) => {
    const live = area.dataset.live.split(" ");
    const bar = one("progress", area);
    const look = async () => {
      const answer = await fetch(area.dataset.progressUrl, { headers: { Accept: "application/json" } }).catch(() => null);
      if (answer && answer.ok) {
        const job = await answer.json();
        if (!live.includes(job.state)) { location.reload(); return; }
        Object.assign(one("[data-progress-state] .badge", area), { textContent: job.label, className: `badge tone tone-${job.colour}` });
        if (job.total) Object.assign(bar, { max: job.total, value: job.done });
        one("[data-progress-count]", area).textContent = job.total ? `${job.done} / ${job.total}` : "";
        one("[data-progress-message]", area).textContent = job.message;
      }
      setTimeout(look, 1000);
    };
    setTimeout(look, 1000);
  });

  // ---- charts: <div data-chart='{labels, series: [{name, kind, values}], unit}'>; their table stands beside them.
  // The unit is that of the lines, or of the bars where there are none; "%" is of a hundred. ----

  const COLOURS = { bar: ["#1f5fbf", "#2fb344", "#4299e1", "#ae3ec9"], line: ["#f59f00", "#d6336c"] };

  const chartOption = ({ labels, series, unit }) => {
    const used = { bar: 0, line: 0 };
    const lines = series.some((one_) => one_.kind === "line");
    const bars = !lines && unit === "%" ? { max: 100, axisLabel: { formatter: "{value}%" } } : {};
    return {
      animation: false, grid: { left: 64, right: lines ? 48 : 16, top: lines ? 68 : 44, bottom: 32 }, legend: { top: 0, type: "scroll" }, tooltip: { trigger: "axis" },
      xAxis: { type: "category", data: labels }, yAxis: [{ type: "value", minInterval: 1, ...bars }, { type: "value", minInterval: 1, name: unit, show: lines, splitLine: { show: false } }],
      series: series.map(({ name, kind, values }) => ({
        name, type: kind, data: values, yAxisIndex: kind === "line" ? 1 : 0, smooth: kind === "line", barMaxWidth: 34,
        itemStyle: { color: COLOURS[kind][used[kind]++ % COLOURS[kind].length], borderRadius: kind === "bar" ? [3, 3, 0, 0] : 0 },
      })),
    };
  };

  const startCharts = () => {
    const places = all("[data-chart]");
    if (!places.length) return;
    const script = document.createElement("script");
    script.src = document.body.dataset.echarts;
    script.addEventListener("load", () => places.forEach((place) => {
      const chart = echarts.init(place, null, { renderer: "svg" });
      chart.setOption(chartOption(JSON.parse(place.dataset.chart)));
      window.addEventListener("resize", () => chart.resize());
    }));
    document.head.append(script);
  };

  [startMenus, startDialogs, startConfirmations, startReveal, startLate, startCopying, startSendOnce, startSelection, startTables, startFinding, startFinder, startStockSearch, startStockDates, startSelects, startShownWith, startForms,
    startProgress, startCharts].forEach((start) => start());
})();
