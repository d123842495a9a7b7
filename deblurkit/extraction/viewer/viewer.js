"use strict";
(() => {
  const stage = document.getElementById("stage");
  const frames = [...stage.querySelectorAll(".frame")];
  const photo = document.getElementById("photo");
  const label = document.getElementById("label");
  const time = document.getElementById("time");
  const count = document.getElementById("count");
  const play = document.getElementById("play");
  const compare = document.getElementById("compare");
  const boomerang = stage.dataset.loop === "boomerang";
  const every = 1000 / Number(stage.dataset.fps);
  let at = 0, way = 1, before = false, timer = 0;

  const show = () => {
    frames.forEach((frame, k) => { frame.hidden = before || k !== at; });
    photo.hidden = !before;
    label.textContent = before ? "photo" : `frame ${at + 1}`;
    time.value = String(at + 1);
    count.textContent = `${at + 1} / ${frames.length}`;
    compare.setAttribute("aria-pressed", String(before));
  };
  const go = (to) => { at = Math.max(0, Math.min(frames.length - 1, to)); before = false; show(); };
  const step = () => {
    if (boomerang) {
      if (at + way < 0 || at + way >= frames.length) way = -way;
      go(at + way);
    } else {
      go((at + 1) % frames.length);
    }
  };
  const playing = (on) => {
    clearInterval(timer);
    timer = on ? setInterval(step, every) : 0;
    play.setAttribute("aria-pressed", String(on));
    play.textContent = on ? "Pause" : "Play";
  };
  const flip = () => { playing(false); before = !before; show(); };

  play.addEventListener("click", () => playing(!timer));
  time.addEventListener("input", () => { playing(false); go(Number(time.value) - 1); });
  compare.addEventListener("click", flip);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inside = event.target.tagName;
    if (event.key === " " && inside !== "BUTTON") { playing(!timer); event.preventDefault(); }
    else if (event.key === "b") flip();
    else if (event.key === "ArrowRight" && inside !== "INPUT") { playing(false); go(at + 1); }
    else if (event.key === "ArrowLeft" && inside !== "INPUT") { playing(false); go(at - 1); }
  });
  show();
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) playing(true);
})();
