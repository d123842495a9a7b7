// Small helpers around the document. All script files share one scope, in the order of names.

const DATA = JSON.parse(document.getElementById("data").textContent);

const find = (selector, inside = document) => inside.querySelector(selector);
const findAll = (selector, inside = document) => [...inside.querySelectorAll(selector)];
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Make an element: make("p", {class: "x"}, "text", child). Text never becomes markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The same for SVG. */
function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A number of decibels, or what stands for no error at all. */
const decibels = (value) => (value === null ? "exact" : `${value.toFixed(2)} dB`);

/** The colour class of a row: its own of eight, ink for the one compared with, gray else. */
const colourOf = (colour) => (Number.isInteger(colour) ? `c${colour}` : colour);
