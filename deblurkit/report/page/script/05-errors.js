// Error maps: |estimate - truth|, the mean of the three colours, times the gain, in false colour.

// From no error, black, over violet and orange to the largest that the scale has, pale yellow:
// lightness rises steadily, so that the map reads the same in gray.
const RAMP = [
  [0, 0, 0],
  [34, 15, 74],
  [96, 21, 110],
  [161, 38, 97],
  [219, 74, 56],
  [247, 140, 32],
  [250, 207, 92],
  [253, 251, 214],
];

/** The colour of an error in [0, 1], after the gain. */
function rampColour(value) {
  const place = clamp(value, 0, 1) * (RAMP.length - 1);
  const low = Math.min(Math.floor(place), RAMP.length - 2);
  return RAMP[low].map((from, c) => from + (RAMP[low + 1][c] - from) * (place - low));
}

const SUMS = 3 * 255; // the largest sum of three differences
const colourTables = new Map();

/** For each sum of three absolute differences its RGB, 766 times three. */
function colourTable(gain) {
  if (!colourTables.has(gain)) {
    const table = new Uint8ClampedArray(3 * (SUMS + 1));
    for (let sum = 0; sum <= SUMS; sum++) table.set(rampColour((gain * sum) / SUMS), 3 * sum);
    colourTables.set(gain, table);
  }
  return colourTables.get(gain);
}

/** The error map of two frames' RGBA values as an image. */
function errorMap(estimate, truth, clip, gain) {
  const table = colourTable(gain);
  const image = new ImageData(clip.width, clip.height);
  const out = image.data;
  for (let i = 0; i < out.length; i += 4) {
    const sum =
      Math.abs(estimate[i] - truth[i]) +
      Math.abs(estimate[i + 1] - truth[i + 1]) +
      Math.abs(estimate[i + 2] - truth[i + 2]);
    out[i] = table[3 * sum];
    out[i + 1] = table[3 * sum + 1];
    out[i + 2] = table[3 * sum + 2];
    out[i + 3] = 255;
  }
  return image;
}

/** The scale beside the gain: from no error to the largest shown. */
function startErrorScale() {
  const canvas = find(".scale canvas");
  const context = canvas.getContext("2d");
  for (let x = 0; x < canvas.width; x++) {
    const [r, g, b] = rampColour(x / (canvas.width - 1));
    context.fillStyle = `rgb(${r} ${g} ${b})`;
    context.fillRect(x, 0, 1, canvas.height);
  }
  const gains = find("[data-gain]");
  gains.addEventListener("change", () => change({ gain: Number(gains.value), show: "error" }));
  watch(["gain", "show"], () => {
    find(".scale").hidden = state.show !== "error";
    gains.value = String(state.gain);
    find(".scale-end").textContent = `${+(1 / state.gain).toFixed(4)}`;
  });
}
