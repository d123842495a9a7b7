// One zoom for all pictures. Shares of a picture, not pixels: tiles of any size stay aligned.

const LARGEST = 16;

/** Zoom by a factor about a point, given as shares of the tile. */
function zoomBy(factor, atX = 0.5, atY = 0.5) {
  const zoom = clamp(state.zoom * factor, 1, LARGEST);
  // The point of the picture under the pointer stays under it.
  const x = state.x + (atX - 0.5) * (1 / state.zoom - 1 / zoom);
  const y = state.y + (atY - 0.5) * (1 / state.zoom - 1 / zoom);
  look(zoom, x, y);
}

/** Look at a place; what is seen never leaves the picture. */
function look(zoom, x, y) {
  const edge = 0.5 / zoom;
  change({ zoom, x: clamp(x, edge, 1 - edge), y: clamp(y, edge, 1 - edge) });
}

/** Move by shares of the tile. */
const moveBy = (dx, dy) => look(state.zoom, state.x - dx / state.zoom, state.y - dy / state.zoom);

const lookAtAll = () => look(1, 0.5, 0.5);

/** Where an event is in its tile, in shares. */
function placeOf(event, stage) {
  const box = stage.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

function startZoom() {
  const grid = find(".stagegrid");
  watch(["zoom", "x", "y"], () => {
    const { zoom, x, y } = state;
    grid.style.setProperty("--zoom", zoom);
    grid.style.setProperty("--tx", `${100 * (0.5 - x * zoom)}%`);
    grid.style.setProperty("--ty", `${100 * (0.5 - y * zoom)}%`);
    grid.classList.toggle("zoomed", zoom > 1);
    find("[data-zoom=reset]").textContent = `${Math.round(100 * zoom)} %`;
  });
  find("[data-zoom=in]").addEventListener("click", () => zoomBy(1.5));
  find("[data-zoom=out]").addEventListener("click", () => zoomBy(1 / 1.5));
  find("[data-zoom=reset]").addEventListener("click", lookAtAll);
  for (const { stage } of tiles) {
    startWheel(grid, stage);
    startDragging(grid, stage);
    startMark(grid, stage);
    stage.addEventListener("dblclick", (event) => {
      if (state.zoom > 1) lookAtAll();
      else zoomBy(3, ...placeOf(event, stage));
    });
  }
}

/** The wheel zooms where that is meant: with Ctrl, once pictures were clicked, or when zoomed. */
function startWheel(grid, stage) {
  stage.addEventListener(
    "wheel",
    (event) => {
      const meant = event.ctrlKey || event.metaKey || state.zoom > 1 || grid.matches(":focus-within");
      const out = event.deltaY > 0;
      if (!meant || (out && state.zoom === 1 && !event.ctrlKey)) return; // the page scrolls
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      zoomBy(Math.exp(-clamp(event.deltaY * lines, -120, 120) / 300), ...placeOf(event, stage));
    },
    { passive: false },
  );
}

/** One pointer scrubs, or moves the picture when zoomed; two pinch. */
function startDragging(grid, stage) {
  const held = new Map(); // pointer -> [x, y] in shares of the tile
  let began = null;

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    held.set(event.pointerId, placeOf(event, stage));
    began = { x: placeOf(event, stage)[0], frame: state.frame };
    grid.focus({ preventScroll: true });
  });

  stage.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const now = placeOf(event, stage);
    if (held.size === 2) {
      pinch(event.pointerId, before, now);
    } else if (state.zoom > 1) {
      moveBy(now[0] - before[0], now[1] - before[1]);
    } else if (Math.abs(now[0] - began.x) > 0.04) {
      goTo(began.frame + Math.round((now[0] - began.x) * currentClip().frames));
    }
    held.set(event.pointerId, now);
  });

  function pinch(moved, before, now) {
    const [, other] = [...held].find(([pointer]) => pointer !== moved);
    const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]);
    const centre = (place) => [(place[0] + other[0]) / 2, (place[1] + other[1]) / 2];
    zoomBy(apart(now) / Math.max(apart(before), 1e-3), ...centre(before));
    moveBy(centre(now)[0] - centre(before)[0], centre(now)[1] - centre(before)[1]);
  }

  const release = (event) => {
    held.delete(event.pointerId);
    const [rest] = held.values();
    if (rest) began = { x: rest[0], frame: state.frame };
  };
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
}

/** A mark in every other tile at the place that the mouse points to in one. */
function startMark(grid, stage) {
  stage.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse") return;
    const [x, y] = placeOf(event, stage);
    grid.style.setProperty("--mark-x", `${100 * x}%`);
    grid.style.setProperty("--mark-y", `${100 * y}%`);
    grid.classList.add("pointed");
  });
  stage.addEventListener("pointerleave", () => grid.classList.remove("pointed"));
}
