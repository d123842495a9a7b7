// What the reader has chosen. Everything that shows it listens; nothing else passes it on.

const state = {
  clip: 0,
  frame: 1, // from 1
  playing: false,
  mode: "boomerang", // or "loop"
  rate: 8, // frames a second
  show: "picture", // or "error", "truth"
  gain: 4,
  zoom: 1,
  x: 0.5, // the centre of what is seen, as a share of the picture
  y: 0.5,
  hidden: new Set(), // keys of rows
  log: true, // scale of the training curves
  group: null, // heading of the rows whose training is shown; null for all
};

const listeners = [];

/** Call `listener` now and whenever one of the named things changes. */
function watch(names, listener) {
  listeners.push({ names, listener });
  listener(state);
}

/** Change the state; listeners hear of it once, after all of it has changed. */
function change(changes) {
  const changed = Object.keys(changes).filter((name) => state[name] !== changes[name]);
  Object.assign(state, changes);
  for (const { names, listener } of listeners) {
    if (names.some((name) => changed.includes(name))) listener(state);
  }
}
