// The slider, playing, and the frame's number.

const stillness = matchMedia("(prefers-reduced-motion: reduce)");

let timer = null;
let direction = 1;
let stepsLeft = Infinity;

/** One frame on: back and forth, or from the end to the start. */
function stepOn() {
  const last = currentClip().frames;
  if (last === 1) return;
  if (state.mode === "loop") {
    change({ frame: (state.frame % last) + 1 });
  } else {
    if (state.frame >= last) direction = -1;
    if (state.frame <= 1) direction = 1;
    change({ frame: state.frame + direction });
  }
  if (--stepsLeft <= 0) pause();
}

function play(steps = Infinity) {
  stepsLeft = steps;
  change({ playing: true });
}

const pause = () => change({ playing: false });
const togglePlaying = () => (state.playing ? pause() : play());

/** By hand to a frame: whatever was playing stops. */
function goTo(frame) {
  change({ playing: false, frame: clamp(frame, 1, currentClip().frames) });
}

function drawTicks() {
  const { frames } = currentClip();
  const every = frames > 15 ? Math.ceil(frames / 10) : 1;
  find(".ticks").replaceChildren(
    ...Array.from({ length: frames }, (_, i) => {
      const shown = i % every === 0 || i === frames - 1;
      return make("span", shown ? {} : { class: "many" }, String(i + 1));
    }),
  );
}

function startTime() {
  const slider = find("#time");
  const button = find(".play");
  slider.addEventListener("input", () => goTo(Number(slider.value)));
  button.addEventListener("click", togglePlaying);
  for (const radio of findAll("[name=mode]")) {
    radio.addEventListener("change", () => change({ mode: radio.value }));
  }
  const rate = find("[data-rate]");
  rate.addEventListener("change", () => change({ rate: Number(rate.value) }));

  watch(["clip"], () => {
    slider.max = String(currentClip().frames);
    drawTicks();
  });
  watch(["clip", "frame"], () => {
    const { frames } = currentClip();
    const said = state.frame === (frames + 1) / 2 ? "the middle" : `of ${frames}`;
    slider.value = String(state.frame);
    slider.setAttribute("aria-valuetext", `frame ${state.frame} of ${frames}`);
    find(".now b").textContent = `Frame ${state.frame}`;
    find(".now span").textContent = said;
    findAll(".ticks span").forEach((tick, i) => {
      tick.setAttribute("aria-current", String(i + 1 === state.frame));
    });
  });
  watch(["playing", "rate"], () => {
    clearInterval(timer);
    if (state.playing) timer = setInterval(stepOn, 1000 / state.rate);
    button.setAttribute("aria-pressed", String(state.playing));
    button.setAttribute("aria-label", state.playing ? "Pause" : "Play");
  });
}

/** Where motion is welcome: a few swings when the page opens, then rest at the first frame. */
function openMoving() {
  const { frames } = currentClip();
  if (!stillness.matches && frames > 1) play(Math.ceil(24 / (2 * (frames - 1))) * 2 * (frames - 1));
}
