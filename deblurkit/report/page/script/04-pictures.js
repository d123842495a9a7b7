// Strips of frames as the page holds them, and the pixels of one frame.

/** Decode all strips of a clip once: {blurry, true, rows: {key: image}}. */
function loadClip(clip) {
  clip.loaded ??= (async () => {
    const decode = async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      return image;
    };
    const keys = Object.keys(clip.rows);
    const [blurry, truth, ...rows] = await Promise.all(
      [clip.blurry, clip.true, ...keys.map((key) => clip.rows[key].strip)].map(decode),
    );
    return { blurry, true: truth, rows: Object.fromEntries(keys.map((key, i) => [key, rows[i]])) };
  })();
  return clip.loaded;
}

/** Draw frame `frame` (from 1) of a strip into a canvas of the clip's size. */
function drawFrame(context, strip, clip, frame) {
  const { width, height, across } = clip;
  const [column, line] = [(frame - 1) % across, Math.floor((frame - 1) / across)];
  context.drawImage(strip, column * width, line * height, width, height, 0, 0, width, height);
}

const scratch = document.createElement("canvas");

/** RGBA values of a frame, 0 to 255. */
function pixelsOf(strip, clip, frame) {
  scratch.width = clip.width;
  scratch.height = clip.height;
  const context = scratch.getContext("2d", { willReadFrequently: true });
  drawFrame(context, strip, clip, frame);
  return context.getImageData(0, 0, clip.width, clip.height).data;
}
