// The table: sorting, which columns are shown, and what they mean.

/** Sort by a column: best first, then worst first, then as the suite has them. */
function startTable() {
  const table = find(".scores");
  if (!table) return;
  const bodies = findAll("tbody", table);
  const rows = findAll("tr[data-row]", table);
  const homes = new Map(rows.map((row) => [row, row.parentElement]));
  const flat = make("tbody", { class: "flat" });
  const buttons = findAll(".sort", table);

  function valueOf(row, key) {
    if (key === "") return row.dataset.title.toLowerCase();
    const said = row.querySelector(`td[data-key="${CSS.escape(key)}"]`)?.dataset.value;
    return said === undefined || said === "" ? null : Number(said);
  }

  function sortBy(key, sign) {
    const order = new Map(rows.map((row, i) => [row, i]));
    const sorted = [...rows].sort((a, b) => {
      const [u, v] = [valueOf(a, key), valueOf(b, key)];
      if (u === null || v === null) return (u === null) - (v === null) || order.get(a) - order.get(b);
      return sign * (u < v ? -1 : u > v ? 1 : 0) || order.get(a) - order.get(b);
    });
    flat.replaceChildren(...sorted);
    for (const body of bodies) body.remove();
    table.append(flat);
    table.classList.add("sorted");
  }

  function restore() {
    flat.remove();
    for (const body of bodies) table.append(body);
    for (const row of rows) homes.get(row).append(row);
    table.classList.remove("sorted");
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const was = head.getAttribute("aria-sort");
      const first = button.dataset.higher === "true" ? "descending" : "ascending";
      const second = first === "descending" ? "ascending" : "descending";
      const next = was === "none" ? first : was === first ? second : "none";
      for (const each of findAll("th[aria-sort]", table)) each.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", next);
      for (const way of findAll(".way", table)) way.textContent = "";
      find(".way", head).textContent = { ascending: "↑", descending: "↓", none: "" }[next];
      if (next === "none") restore();
      else sortBy(button.dataset.key, next === "ascending" ? 1 : -1);
    });
  }

  for (const box of findAll("[data-columns]")) {
    const apply = () => {
      for (const cell of findAll(`[data-set="${CSS.escape(box.dataset.columns)}"]`, table)) cell.hidden = !box.checked;
    };
    box.addEventListener("change", apply);
    apply();
  }
  const intervals = find("[data-intervals]");
  intervals?.addEventListener("change", () => table.classList.toggle("plain", !intervals.checked));
}

/** Definitions beside heads, for the mouse and the keyboard; they are listed below the table, too. */
function startTips() {
  const tip = make("div", { class: "tip", hidden: "", "aria-hidden": "true" });
  document.body.append(tip);
  function show(owner) {
    tip.textContent = owner.dataset.tip;
    tip.hidden = false;
    const box = owner.getBoundingClientRect();
    const left = clamp(box.left + box.width / 2 - tip.offsetWidth / 2, 12, innerWidth - tip.offsetWidth - 12);
    const above = box.top - tip.offsetHeight - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : box.bottom + 8}px`;
  }
  const hide = () => (tip.hidden = true);
  for (const owner of findAll("[data-tip]")) {
    owner.addEventListener("pointerenter", () => show(owner));
    owner.addEventListener("focus", () => owner.matches(":focus-visible") && show(owner));
    owner.addEventListener("pointerleave", hide);
    owner.addEventListener("blur", hide);
  }
  addEventListener("scroll", hide, { capture: true, passive: true });
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
}
