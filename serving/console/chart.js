/** A line chart over time on a canvas: two series, an area under the first, a crosshair that tells the values. */
import { formatClock, formatCompact, formatMinute, formatRate } from './format.js';

const PAD = { top: 14, right: 12, bottom: 26, left: 44 };
const GRID_LINES = 4;
const MINUTE = 60;
/** Room that one label of the time axis needs, in pixels. */
const LABEL_WIDTH = 76;
/** Points on each side that go into the mean; counts of single seconds follow the commits, not the shop. */
const MEAN_RADIUS = 2;

/**
 * `show(points)` draws `{ second, events, productViews }`, oldest first. Colours come from the style sheet, so the chart
 * follows light and dark.
 */
export function createChart(container) {
  const canvas = container.querySelector('canvas');
  const tip = container.querySelector('.chart-tip');
  let points = [];
  let hover = null;

  const draw = () => {
    const scale = fit(canvas, points);
    const colours = coloursOf(container);
    const context = scale.context;
    context.clearRect(0, 0, scale.width, scale.height);
    if (points.length < 2) return;
    drawGrid(scale, colours);
    drawArea(scale, colours.series1, (point) => point.events);
    drawLine(scale, colours.series2, (point) => point.productViews);
    drawLine(scale, colours.series1, (point) => point.events);
    if (hover !== null) drawHover(scale, colours, points[hover]);
    showTip(tip, scale, hover === null ? null : points[hover]);
  };

  const onPointer = (event) => {
    const scale = fit(canvas, points);
    const share = (event.offsetX - PAD.left) / scale.innerWidth;
    hover = Math.min(points.length - 1, Math.max(0, Math.round(share * (points.length - 1))));
    if (points.length < 2) hover = null;
    draw();
  };
  canvas.addEventListener('pointermove', onPointer);
  canvas.addEventListener('pointerleave', () => {
    hover = null;
    draw();
  });
  new ResizeObserver(draw).observe(container);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);

  return {
    show(next) {
      points = smooth(next);
      hover = hover === null ? null : Math.min(hover, points.length - 1);
      if (points.length < 2) hover = null;
      draw();
    },
  };
}

/** The mean of each point and its neighbours. */
function smooth(points) {
  return points.map((point, index) => {
    const near = points.slice(Math.max(0, index - MEAN_RADIUS), index + MEAN_RADIUS + 1);
    const mean = (of) => near.reduce((sum, other) => sum + of(other), 0) / near.length;
    return {
      second: point.second,
      events: mean((other) => other.events),
      productViews: mean((other) => other.productViews),
    };
  });
}

/** Sizes the canvas to its box and the screen's pixels, and says where values lie. */
function fit(canvas, points) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas.parentElement.getBoundingClientRect();
  const pixels = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) [canvas.width, canvas.height] = pixels;
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const innerWidth = width - PAD.left - PAD.right;
  const innerHeight = height - PAD.top - PAD.bottom;
  const top = niceCeiling(
    points.reduce((most, point) => Math.max(most, point.events, point.productViews), 0),
  );
  const first = points[0]?.second ?? 0;
  const span = Math.max(1, (points.at(-1)?.second ?? 1) - first);
  const x = (second) => PAD.left + ((second - first) / span) * innerWidth;
  const y = (value) => PAD.top + (1 - value / top) * innerHeight;
  return { context, width, height, innerWidth, points, top, first, span, x, y };
}

/** The smallest of 1, 2, 2.5, 4, 5, 8 · 10ⁿ that is at least `value`, and at least 4. */
function niceCeiling(value) {
  if (value <= 4) return 4;
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 4, 5, 8, 10].find((candidate) => candidate * magnitude >= value);
  return (step ?? 10) * magnitude;
}

function coloursOf(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    series1: read('--series-1'),
    series2: read('--series-2'),
    grid: read('--line'),
    text: read('--muted'),
    surface: read('--surface'),
    font: style.fontFamily,
  };
}

function drawGrid({ context, width, height, top, first, span, x, y }, colours) {
  context.lineWidth = 1;
  context.strokeStyle = colours.grid;
  context.fillStyle = colours.text;
  context.font = `11px ${colours.font}`;
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  for (let line = 0; line <= GRID_LINES; line++) {
    const value = (top * line) / GRID_LINES;
    const at = Math.round(y(value)) + 0.5;
    context.beginPath();
    context.moveTo(PAD.left, at);
    context.lineTo(width - PAD.right, at);
    context.stroke();
    context.fillText(formatCompact(value), PAD.left - 8, at);
  }
  context.textAlign = 'center';
  const perMinute = x(first + MINUTE) - x(first);
  const step = MINUTE * Math.max(1, Math.ceil(LABEL_WIDTH / perMinute));
  for (let second = Math.ceil(first / step) * step; second <= first + span; second += step) {
    const at = x(second);
    if (at < PAD.left + 24 || at > width - 30) continue;
    context.fillText(formatMinute(second * 1000), at, height - 9);
  }
}

function trace({ context, points, x, y }, valueOf) {
  points.forEach((point, index) => {
    if (index === 0) context.moveTo(x(point.second), y(valueOf(point)));
    else context.lineTo(x(point.second), y(valueOf(point)));
  });
}

function drawLine(scale, colour, valueOf) {
  const { context } = scale;
  context.beginPath();
  trace(scale, valueOf);
  context.lineWidth = 1.75;
  context.lineJoin = 'round';
  context.strokeStyle = colour;
  context.stroke();
}

function drawArea(scale, colour, valueOf) {
  const { context, points, x, y } = scale;
  const fill = context.createLinearGradient(0, PAD.top, 0, y(0));
  fill.addColorStop(0, `color-mix(in srgb, ${colour} 26%, transparent)`);
  fill.addColorStop(1, `color-mix(in srgb, ${colour} 2%, transparent)`);
  context.beginPath();
  trace(scale, valueOf);
  context.lineTo(x(points.at(-1).second), y(0));
  context.lineTo(x(points[0].second), y(0));
  context.closePath();
  context.fillStyle = fill;
  context.fill();
}

function drawHover({ context, x, y }, colours, point) {
  const at = x(point.second);
  context.beginPath();
  context.moveTo(at, PAD.top);
  context.lineTo(at, y(0));
  context.lineWidth = 1;
  context.strokeStyle = colours.text;
  context.stroke();
  for (const [value, colour] of [
    [point.productViews, colours.series2],
    [point.events, colours.series1],
  ]) {
    context.beginPath();
    context.arc(at, y(value), 4, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = colours.surface;
    context.stroke();
  }
}

function showTip(tip, { x, width }, point) {
  tip.hidden = point === null;
  if (point === null) return;
  tip.textContent = `${formatClock(point.second * 1000)}   ${formatRate(point.events)} events   ${formatRate(point.productViews)} product views`;
  const at = x(point.second);
  tip.style.setProperty('left', `${Math.min(Math.max(at, 120), width - 120)}px`);
}
