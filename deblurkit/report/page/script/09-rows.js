// Which rows are shown.

function startRows() {
  const boxes = findAll(".menu-body [data-row]");
  change({ hidden: new Set(boxes.filter((box) => !box.checked).map((box) => box.dataset.row)) });
  const hide = (keys) => change({ hidden: new Set(keys) });
  for (const box of boxes) {
    box.addEventListener("change", () => {
      hide(boxes.filter((each) => !each.checked).map((each) => each.dataset.row));
    });
  }
  find("[data-rows=all]").addEventListener("click", () => hide([]));
  find("[data-rows=none]").addEventListener("click", () => hide(boxes.map((b) => b.dataset.row)));
  find("[data-rows=methods]")?.addEventListener("click", () => {
    hide(boxes.filter((b) => b.dataset.kind !== "method").map((b) => b.dataset.row));
  });
  watch(["hidden"], () => {
    for (const box of boxes) box.checked = !state.hidden.has(box.dataset.row);
    const shown = boxes.length - state.hidden.size;
    find("[data-rows-shown]").textContent = `${shown} of ${boxes.length}`;
  });
}
