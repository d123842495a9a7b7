// The keyboard. A key belongs first to the field or button that has the focus.

const KEYS = {
  ArrowLeft: () => goTo(state.frame - 1),
  ArrowRight: () => goTo(state.frame + 1),
  Home: () => goTo(1),
  End: () => goTo(currentClip().frames),
  " ": togglePlaying,
  "+": () => zoomBy(1.5),
  "=": () => zoomBy(1.5),
  "-": () => zoomBy(1 / 1.5),
  0: lookAtAll,
  e: () => change({ show: state.show === "error" ? "picture" : "error" }),
  n: () => chooseClip(state.clip + 1),
  p: () => chooseClip(state.clip - 1),
  f: toggleFullscreen,
};

const PANS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function toggleFullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else find("#clips").requestFullscreen?.();
}

/** Whether the focused element needs this key itself. */
function isTaken(key, target) {
  if (!(target instanceof Element)) return false;
  if (target.matches("select, textarea, input:not([type=range], [type=radio], [type=checkbox])")) return true;
  if (key === " ") return target.matches("button, summary, a, select, label, input:not([type=range])");
  if (key.startsWith("Arrow") || key === "Home" || key === "End") {
    return target.matches("input, [role=region]") || target.closest(".scroller") !== null;
  }
  return false;
}

/** Space and Home belong to the page where no picture is in sight. */
function inSight() {
  const box = find("#clips").getBoundingClientRect();
  return box.bottom > 80 && box.top < innerHeight - 80;
}

function startKeys() {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event.key, event.target)) return;
    if (!inSight()) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.shiftKey && key in PANS && state.zoom > 1) {
      moveBy(0.1 * PANS[key][0], 0.1 * PANS[key][1]);
    } else if (key === "t") {
      if (!event.repeat) change({ show: "truth" });
    } else if (KEYS[key]) {
      KEYS[key]();
    } else {
      return;
    }
    event.preventDefault();
  });
  addEventListener("keyup", (event) => {
    if (event.key.toLowerCase() === "t" && state.show === "truth") change({ show: "picture" });
  });
  find("[data-fullscreen]").addEventListener("click", toggleFullscreen);
}
