// The pictures: one tile for the blurry image, the truth and each row, all showing one frame.

const tiles = []; // {key, title, canvas, score, absent, spark}

const currentClip = () => DATA.clips[state.clip];

/** The tiles of the page as its markup has them. */
function findTiles() {
  for (const element of findAll(".tile")) {
    tiles.push({
      key: element.dataset.row,
      title: find(".name", element).textContent.trim(),
      element,
      stage: find(".stage", element),
      canvas: find("canvas", element),
      score: find(".score", element),
      spark: find(".spark", element),
    });
  }
}

/** A tile's strip of the clip shown, or undefined; the blurry image is the same at all times. */
function stripOf(tile, loaded) {
  if (tile.key === "blurry" || tile.key === "true") return loaded[tile.key];
  return loaded.rows[tile.key];
}

const frameOf = (tile) => (tile.key === "blurry" && state.show !== "truth" ? 1 : state.frame);

function drawTile(tile, clip, loaded) {
  const strip = stripOf(tile, loaded);
  if (!strip) return;
  const { canvas } = tile;
  if (canvas.width !== clip.width || canvas.height !== clip.height) {
    canvas.width = clip.width;
    canvas.height = clip.height;
  }
  const context = canvas.getContext("2d");
  if (state.show === "error" && tile.key !== "true") {
    const truth = pixelsOf(loaded.true, clip, state.frame);
    const estimate = pixelsOf(strip, clip, frameOf(tile));
    context.putImageData(errorMap(estimate, truth, clip, state.gain), 0, 0);
  } else {
    drawFrame(context, state.show === "truth" ? loaded.true : strip, clip, frameOf(tile));
  }
}

function describeTile(tile, clip, best) {
  const curve = curveOf(tile, clip);
  const value = curve?.[state.frame - 1];
  tile.score.textContent = curve ? decibels(value) : "";
  tile.score.classList.toggle("first", curve !== undefined && value !== null && value === best);
  const kind = state.show === "error" && tile.key !== "true" ? "error map of " : "";
  const said = curve ? `, ${decibels(value)}` : "";
  tile.canvas.setAttribute(
    "aria-label",
    `${kind}${tile.title}, frame ${state.frame} of ${clip.frames}${said}`,
  );
}

const curveOf = (tile, clip) =>
  tile.key === "blurry" ? clip.blurry_psnr : clip.rows[tile.key]?.psnr;

let drawing = 0;

/** Draw the frame chosen into every tile that is shown. */
async function drawAll() {
  const clip = currentClip();
  const turn = ++drawing;
  const loaded = await loadClip(clip);
  if (turn !== drawing) return; // another frame or clip was chosen meanwhile
  const shown = tiles.filter((tile) => !state.hidden.has(tile.key));
  const values = shown
    .filter((tile) => tile.key !== "blurry" && tile.key !== "true")
    .map((tile) => clip.rows[tile.key]?.psnr[state.frame - 1])
    .filter((value) => typeof value === "number");
  const best = Math.max(...values);
  for (const tile of shown) {
    drawTile(tile, clip, loaded);
    describeTile(tile, clip, best);
    moveSpark(tile, clip);
  }
  find(".stagegrid").dataset.frame = String(state.frame);
}

/** Draw each tile's PSNR over the frames; all share one scale. */
function drawSparks() {
  const clip = currentClip();
  const all = tiles
    .filter((tile) => tile.key !== "true")
    .flatMap((tile) => curveOf(tile, clip) ?? [])
    .filter((value) => value !== null);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  for (const tile of tiles) {
    if (!tile.spark) continue;
    const curve = curveOf(tile, clip);
    tile.spark.replaceChildren();
    tile.place = null;
    if (!curve) continue;
    // A frame without any error, one that was given, is off the scale: a gap in the line.
    tile.place = (frame) => ({
      x: clip.frames > 1 ? (100 * (frame - 1)) / (clip.frames - 1) : 50,
      y: curve[frame - 1] === null ? null : high > low ? 27 - (24 * (curve[frame - 1] - low)) / (high - low) : 15,
    });
    const places = curve.map((_, i) => tile.place(i + 1));
    tile.spark.append(
      draw("path", { d: pathOf(places.map((p) => p.x), places.map((p) => p.y)) }),
      draw("line", { class: "here" }),
    );
  }
}

function moveSpark(tile) {
  const here = tile.spark && find(".here", tile.spark);
  if (!here || !tile.place) return;
  const { x, y } = tile.place(state.frame);
  here.setAttribute("visibility", y === null ? "hidden" : "visible");
  if (y === null) return;
  here.setAttribute("x1", x);
  here.setAttribute("x2", x + 0.01); // a line of no length with round ends: a dot of any aspect
  here.setAttribute("y1", y);
  here.setAttribute("y2", y);
}

/** Show tiles and groups that the clip has and the reader has not hidden. */
function arrangeTiles() {
  const clip = currentClip();
  for (const tile of tiles) {
    const has = tile.key === "blurry" || tile.key === "true" || tile.key in clip.rows;
    tile.element.hidden = !has || state.hidden.has(tile.key);
    tile.canvas.classList.toggle("fine", clip.width > 420);
  }
  for (const group of findAll(".stagegrid .group")) {
    group.hidden = !findAll(".tile", group).some((tile) => !tile.hidden);
  }
  find(".nothing-shown").hidden = findAll(".stagegrid .group").some((group) => !group.hidden);
}

function sayClip() {
  const clip = currentClip();
  const said = find(".clip-said");
  said.replaceChildren(make("b", {}, clip.name), ` ${clip.source}`);
  const missing = tiles.length - 2 - Object.keys(clip.rows).length;
  if (missing > 0) said.append(`. ${missing} ${missing === 1 ? "row has" : "rows have"} other test clips, or no pictures.`);
}

function startClipPicker() {
  const buttons = findAll(".clip-picker button");
  buttons.forEach((button, i) => {
    button.addEventListener("click", () => chooseClip(i));
    const clip = DATA.clips[i];
    const canvas = find("canvas", button);
    canvas.width = clip.width;
    canvas.height = clip.height;
    loadClip(clip).then((loaded) => drawFrame(canvas.getContext("2d"), loaded.blurry, clip, 1));
  });
  watch(["clip"], () => {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === state.clip)));
  });
}

/** Go to another clip, as far through it as one was through the last. */
function chooseClip(index) {
  const next = (index + DATA.clips.length) % DATA.clips.length;
  const [from, to] = [currentClip().frames, DATA.clips[next].frames];
  const share = from > 1 ? (state.frame - 1) / (from - 1) : 0;
  change({ clip: next, frame: 1 + Math.round(share * (to - 1)) });
}

function startViewer() {
  findTiles();
  startClipPicker();
  watch(["clip"], () => {
    sayClip();
    drawSparks();
  });
  watch(["clip", "hidden"], arrangeTiles);
  watch(["clip", "frame", "show", "gain", "hidden"], drawAll);
  for (const radio of findAll("[name=size]")) {
    radio.addEventListener("change", () => {
      find(".stagegrid").classList.remove("small", "medium", "large");
      find(".stagegrid").classList.add(radio.value);
    });
  }
  for (const radio of findAll("[name=show]")) {
    radio.addEventListener("change", () => change({ show: radio.value }));
  }
  watch(["show"], () => {
    for (const radio of findAll("[name=show]")) radio.checked = radio.value === state.show;
  });
}
