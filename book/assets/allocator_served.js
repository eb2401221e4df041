// Served models in the browser: from a clip, a server and a family to designs with their prices and
// the lines to paste. What vvlm_utils/cost/tokens.py, flags.py, served.py and
// vvlm_utils/frontier/families.py do, on the data that vvlm_utils/site/served.py writes.
//
// clip: {duration, width, height, fps: of the file}
// server: {device, devices, price: dollars per device and hour, utilisation, cores}
// text: {prompt, answer}: tokens of the question and of its answer
"use strict";

const vvlmServed = (() => {
  // ---- numbers as Python has them ------------------------------------------------------------

  // Halves go to the even neighbour.
  function round(x) {
    const low = Math.floor(x);
    const rest = x - low;
    return rest > 0.5 || (rest === 0.5 && low % 2) ? low + 1 : low;
  }

  const significant = (x, digits) => Number(x.toPrecision(digits));
  const brief = (x) => String(significant(x, 6)); // as "%g" has it, of ordinary sizes
  const count = (x) => Math.round(x).toLocaleString("en-US");

  // JSON with Python's spaces; a number of an "fps" is a float there.
  function json(value, key = "") {
    if (value === null || typeof value !== "object")
      return key === "fps" && Number.isInteger(value) ? `${value}.0` : JSON.stringify(value);
    const inside = Object.entries(value).map(([k, v]) => `"${k}": ${json(v, k)}`);
    return `{${inside.join(", ")}}`;
  }

  // ---- frames and tokens, of a rule ----------------------------------------------------------

  const totalFrames = (clip) => Math.max(1, round(clip.duration * clip.fps));
  const temporal = (rule) => rule.temporal ?? 1;

  function glmFrames(rule, clip, frames) {
    const total = totalFrames(clip);
    const [seconds, last] = [total / clip.fps, total - 1];
    const fps = frames / Math.min(seconds, rule.max_frames);
    const found = new Set();
    if (seconds <= rule.max_frames) {
      const asked = Math.max(Math.floor(seconds * fps), 1);
      for (let i = 0; i < asked; i++) found.add(Math.min(last, Math.ceil((i * clip.fps) / fps)));
    } else {
      const asked = Math.trunc(rule.max_frames * fps);
      if (asked >= total) return total + (total % 2);
      const step = seconds / Math.max(asked - 1, 1);
      for (let i = 0; i < asked; i++) found.add(Math.min(last, Math.ceil(i * step * clip.fps)));
    }
    return found.size + (found.size % 2);
  }

  // Frames that the family's processor reads when it is asked for so many.
  function framesRead(rule, clip, frames) {
    const total = totalFrames(clip);
    if (rule.sampling === "glm") return glmFrames(rule, clip, frames);
    if (rule.sampling === "smolvlm") {
      const fps = Math.max(rule.fps, frames / clip.duration + 1);
      return Math.min(Math.max(1, Math.min(round(fps * (total / clip.fps)), frames)), total);
    }
    if (rule.sampling !== "qwen2") return frames;
    const even = round(frames / temporal(rule)) * temporal(rule);
    return Math.ceil(total / (total / even));
  }

  // Both sides as multiples of factor, with frames x area between the bounds.
  function smartResize(sides, factor, low, high, frames, step) {
    const near = sides.map((side) => round(side / factor) * factor);
    const volume = round(frames / step) * step * near[0] * near[1];
    const area = frames * sides[0] * sides[1];
    if (volume > high) {
      const scale = Math.sqrt(area / high);
      return sides.map((s) => Math.max(factor, Math.floor(s / scale / factor) * factor));
    }
    if (volume < low) {
      const scale = Math.sqrt(low / area);
      return sides.map((s) => Math.ceil((s * scale) / factor) * factor);
    }
    return near;
  }

  // Patches of a slice, rows and columns.
  function grid(rule, clip, { low, high }, frames) {
    if (rule.bounds === "fixed") {
      const side = Math.floor(rule.image / rule.patch);
      return [side, side];
    }
    let sides = [clip.height, clip.width];
    let over = [1, 1];
    if (rule.bounds === "video") {
      over = [frames, temporal(rule)];
      if (Math.min(...sides) < rule.factor) {
        const scale = Math.max(...sides.map((side) => rule.factor / side));
        sides = sides.map((side) => Math.trunc(side * scale));
      }
    } else if (rule.bounds === "share") high = Math.floor(high / frames);
    return smartResize(sides, rule.factor, low, high, ...over).map((s) => s / rule.patch);
  }

  // Digits of the whole seconds written before the slices.
  function timeDigits(clip, frames, step) {
    const apart = (totalFrames(clip) - 1) / Math.max(frames - 1, 1) / clip.fps;
    let digits = 0;
    for (let first = 0; first < frames; first += step) {
      const last = Math.min(first + step - 1, frames - 1);
      const time = (apart * (Math.min(first, frames - 1) + last)) / 2;
      digits += String(Math.trunc(time)).length;
    }
    return digits;
  }

  // flags: {frames, minPixels, maxPixels, pruning}; bounds that are not there are the family's own.
  function countTokens(rule, clip, flags) {
    const read = framesRead(rule, clip, flags.frames);
    const slices = Math.ceil(read / temporal(rule));
    const bounds = {
      low: flags.minPixels ?? rule.min_pixels ?? 0, high: flags.maxPixels ?? rule.max_pixels ?? 0,
    };
    const [rows, columns] = grid(rule, clip, bounds, read);
    const each = rule.tokens ?? Math.floor((rows * columns) / (rule.merge ?? 1) ** 2);
    let visual = slices * each;
    if (flags.pruning) visual = Math.max(each, Math.trunc(visual * (1 - flags.pruning)));
    let markers = slices * (rule.slice_markers ?? 0) + (rule.video_markers ?? 0);
    if (rule.timed) markers += timeDigits(clip, read, temporal(rule));
    visual += rule.video_tokens ?? 0;
    return { frames: read, slices, rows, columns, each, visual, markers, perFrame: visual / read };
  }

  // ---- flags that give wanted frames and tokens ----------------------------------------------

  function bounded(rule, cells, frames, asked) {
    const over = rule.bounds === "frame" ? 1 : frames;
    const maxPixels = cells * rule.factor ** 2 * over;
    const own = rule.min_pixels ?? 0;
    const least = rule.bounds === "share" ? Math.floor(own / frames) : own;
    return { frames: asked, maxPixels, minPixels: Math.min(least || 1, maxPixels) };
  }

  // The flags nearest to so many frames of so many tokens, what they give, and what they cannot.
  function findFlags(data, family, rule, clip, frames, wanted) {
    const notes = [];
    const native = countTokens(rule, clip, { frames });
    if (native.frames !== frames)
      notes.push(`${native.frames} frames are read, not ${frames}: the processor rounds`);
    if (rule.bounds === "fixed") {
      if (Math.abs(native.perFrame / wanted - 1) > data.near)
        notes.push(`every frame gives ${rule.tokens} tokens: no flag of ${family} changes that`);
      return { flags: { frames }, tokens: native, notes };
    }
    const aim = Math.max(wanted, rule.floor);
    const cells = aim * temporal(rule);
    let flags = null;
    let tokens = null;
    for (let c = Math.max(1, Math.trunc(0.5 * cells)); c < Math.trunc(1.6 * cells) + 2; c++) {
      const tried = bounded(rule, c, native.frames, frames);
      const given = countTokens(rule, clip, tried);
      if (flags && Math.abs(given.perFrame - aim) >= Math.abs(tokens.perFrame - aim)) continue;
      [flags, tokens] = [tried, given];
    }
    const own = countTokens(rule, clip, bounded(rule, data.most_cells, native.frames, frames));
    if (own.perFrame < (1 - data.near) * aim)
      notes.push(
        `the clip's own ${clip.width}x${clip.height} gives no more than ${brief(own.perFrame)} ` +
          "tokens a frame; enlarging it adds tokens and no detail"
      );
    if (wanted < rule.floor && rule.prunes) {
      const rate = 1 - wanted / tokens.perFrame;
      const pruning = Math.min(Math.max(0, Number(rate.toFixed(4))), data.most_pruning);
      flags = { ...flags, pruning };
      tokens = countTokens(rule, clip, flags);
      notes.push(
        `resolution alone stops at ${brief(rule.floor)} tokens a frame, the least of the ` +
          "family's reference code; vLLM's pruning does the rest, transformers has none"
      );
      if (tokens.perFrame > (1 + data.near) * wanted)
        notes.push(
          `pruning keeps the first slice in full, so ${brief(tokens.perFrame)} tokens ` +
            `a frame are the least of ${tokens.frames} frames`
        );
    } else if (wanted < rule.floor)
      notes.push(`${brief(rule.floor)} tokens a frame are the least of the family's own bounds`);
    return { flags, tokens, notes };
  }

  // Flags of each distinct number of frames and tokens that a rule can be given.
  function reachable(data, family, rule, clip) {
    const found = new Map();
    for (const frames of data.frames) {
      if (frames > Math.min(totalFrames(clip), rule.max_frames)) continue;
      for (const wanted of rule.bounds === "fixed" ? [rule.tokens] : data.tokens) {
        const each = findFlags(data, family, rule, clip, frames, wanted);
        const key = `${each.tokens.frames} ${each.tokens.visual}`;
        if (!found.has(key)) found.set(key, each);
      }
    }
    return [...found.values()];
  }

  // ---- FLOPs, bytes and seconds --------------------------------------------------------------

  // Sum of squared lengths of the windows that cover a side.
  const squares = (side, window) =>
    Math.floor(side / window) * window ** 2 + (side % window) ** 2;

  function towerFlops(tower, rows, columns) {
    const tokens = rows * columns + (tower.class_token ? 1 : 0);
    const { hidden, layers } = tower;
    const patch = 3 * (tower.temporal ?? 1) * tower.patch ** 2 * hidden;
    const block = 4 * hidden ** 2 + (tower.gated ? 3 : 2) * hidden * tower.intermediate;
    const full = tower.window ? tower.full_blocks : layers;
    const inside = tower.window ? squares(rows, tower.window) * squares(columns, tower.window) : 0;
    const pairs = full * tokens ** 2 + (layers - full) * inside;
    return 2 * rows * columns * patch + 2 * layers * tokens * block + 4 * pairs * hidden;
  }

  const layerSum = (d, full, windowed) =>
    d.full_layers * full + (d.layers - d.full_layers) * windowed;

  // Pairs of a query and a key that mask and windows keep, over all layers.
  function causalPairs(d, tokens, cached) {
    const window = d.window ?? 0;
    const full = tokens * cached + (tokens * (tokens + 1)) / 2;
    const inside = Math.min(Math.max(window - cached, 0), tokens);
    const rest = (tokens - inside) * window;
    return layerSum(d, full, inside * cached + (inside * (inside + 1)) / 2 + rest);
  }

  const cachedNumbers = (d, tokens) =>
    layerSum(d, tokens, Math.min(tokens, d.window ?? 0)) * d.cache;

  // Parameters that a pass over so many tokens reads: of the experts those that any is sent to.
  function paramsRead(d, rows) {
    if (!d.experts) return d.read;
    const unmet = (1 - d.experts_used / d.experts) ** rows;
    return d.read - d.experts * unmet * d.expert_weights;
  }

  // FLOPs of a clip, its question and its answer.
  function clipCost(model, rule, tokens, text) {
    const { decoder: d, projector } = model;
    const features = projector.per_feature ? tokens.rows * tokens.columns : tokens.each;
    const read = tokens.visual + tokens.markers + text.prompt;
    const further = Math.max(text.answer - 1, 0);
    const written = 2 * further * d.linear + 4 * causalPairs(d, further, read) * d.width;
    const vision =
      tokens.slices * towerFlops(model.tower, tokens.rows, tokens.columns) +
      tokens.slices * 2 * projector.weights * features;
    const first = 2 * read * d.linear + 4 * d.layers * read ** 2 * d.width + d.logits;
    const decoding = written + further * d.logits;
    return { vision, first, decoding, total: vision + first + decoding };
  }

  // What a clip costs on a server; {short: gigabytes needed} where not one video fits.
  function priceTokens(data, model, clip, tokens, server, text) {
    const served = data.served;
    const { decoder: d } = model;
    const device = served.accelerators[server.device];
    const peak = server.devices * data.accelerators[server.device];
    const bandwidth = server.devices * device.bandwidth;
    const cost = clipCost(model, served.rules[model.rule], tokens, text);
    const context = tokens.visual + tokens.markers + text.prompt;
    const further = Math.max(text.answer - 1, 0);
    const weights = served.bytes * model.params;
    const kv = served.bytes * cachedNumbers(d, context + further);
    const room = served.memory_share * server.devices * device.memory;
    if (weights + kv > room) return { short: weights + kv, room };
    const batch = Math.min(served.most_batch, Math.floor((room - weights) / kv));
    const cache = served.bytes * cachedNumbers(d, context);
    const reread = served.bytes * causalPairs(d, further, context) * d.cache;
    const seconds = (flops, moved) =>
      Math.max(flops / peak, moved / bandwidth) / server.utilisation;
    function passes(videos) {
      const params = (rows) => served.bytes * paramsRead(d, videos * rows);
      return {
        encode: seconds(videos * cost.vision, served.bytes * model.vision_params),
        first: seconds(videos * cost.first, params(context) + videos * cache),
        decode: seconds(videos * cost.decoding, further * params(1) + videos * reread),
      };
    }
    const sum = ({ encode, first, decode }) => encode + first + decode;
    const [alone, full] = [passes(1), sum(passes(batch))];
    const cpu = (totalFrames(clip) * clip.width * clip.height) / served.decode_rate;
    const each = Math.max(full / batch, cpu / server.cores);
    return {
      cost, context, weights, kv, batch, cpu, batchSeconds: full,
      firstToken: alone.encode + alone.first, seconds: sum(alone), perHour: served.hour / each,
      limit: full / batch >= cpu / server.cores ? "accelerator" : "CPU",
      dollars: ((1e6 * each) / served.hour) * server.price * server.devices,
    };
  }

  // Every reachable design of the named models that the server holds, as candidates of a frontier,
  // those that it does not hold, and {short: what the first of them lacks}. A clip's flags are found
  // once for each rule.
  const kept = new Map();

  function designs(data, { family, models, clip, server, text }) {
    const served = data.served;
    const found = [];
    let short = null;
    const tooLarge = new Set();
    for (const model of served.families[family].filter((m) => models.includes(m.name))) {
      const rule = served.rules[model.rule];
      const key = JSON.stringify([family, model.rule, clip]);
      if (!kept.has(key)) {
        if (kept.size > 50) kept.clear();
        kept.set(key, reachable(served, family, rule, clip));
      }
      for (const each of kept.get(key)) {
        const price = priceTokens(data, model, clip, each.tokens, server, text);
        if (price.short) {
          short ??= { model, ...price };
          tooLarge.add(model.name);
          continue;
        }
        found.push({
          ...each, model, price, lm_params: model.lm_params, frames: each.tokens.frames,
          tokens_per_frame: each.tokens.perFrame, tflops: price.cost.total / 1e12,
          seconds: price.seconds, dollars: price.dollars,
        });
      }
    }
    for (const { model } of found) tooLarge.delete(model.name);
    return { found, short, tooLarge: [...tooLarge] };
  }

  // ---- lines to paste ------------------------------------------------------------------------

  // Frames per second and frames to ask a processor for.
  function sampling(rule, clip, frames) {
    const total = totalFrames(clip);
    if (rule.sampling === "glm")
      return { fps: frames / Math.min(total / clip.fps, rule.max_frames), frames: null };
    if (rule.sampling === "smolvlm")
      return { fps: Math.max(rule.fps, frames / clip.duration + 1), frames };
    return { fps: null, frames };
  }

  function videoIo(data, rule, clip, asked) {
    const { fps, frames } = sampling(rule, clip, asked);
    if (rule.sampling === "smolvlm") return { num_frames: frames, fps };
    if (!data.fps_loaders.includes(rule.sampling)) return { num_frames: frames };
    const glm = rule.sampling === "glm";
    const long = totalFrames(clip) / clip.fps;
    const seconds = glm ? Math.min(long, rule.max_frames) : long;
    const video = { num_frames: asked, fps: significant((asked + 0.5) / seconds, 4) };
    if (!glm && asked < (rule.min_frames ?? 1)) video.min_frames = asked;
    return video;
  }

  const edges = (flags) =>
    flags.maxPixels === undefined
      ? null
      : { shortest_edge: flags.minPixels, longest_edge: flags.maxPixels };

  function vllmLine(data, family, design, clip, devices, answer) {
    const { model, flags, tokens } = design;
    const rule = data.rules[model.rule];
    const words = [`vllm serve ${model.checkpoint}`];
    if (family === "gemma3")
      words.push(`--limit-mm-per-prompt '${json({ image: tokens.frames })}'`);
    else
      words.push(`--media-io-kwargs '${json({ video: videoIo(data, rule, clip, flags.frames) })}'`);
    if (edges(flags)) words.push(`--mm-processor-kwargs '${json({ size: edges(flags) })}'`);
    if (flags.pruning) words.push(`--video-pruning-rate ${brief(flags.pruning)}`);
    if (devices > 1) words.push(`--tensor-parallel-size ${devices}`);
    words.push(`--max-model-len ${design.price.context + answer}`);
    return words.join(" ");
  }

  function transformersLines(data, family, design, clip) {
    const { model, flags } = design;
    const rule = data.rules[model.rule];
    const lines = [
      "from transformers import AutoProcessor",
      `processor = AutoProcessor.from_pretrained("${model.checkpoint}")`,
    ];
    if (family === "gemma3")
      lines.push(`# Gemma 3 reads a video as images: pass ${flags.frames} of its frames`);
    else {
      const { fps, frames } = sampling(rule, clip, flags.frames);
      const set = (name, value) => lines.push(`processor.video_processor.${name} = ${value}`);
      set("do_sample_frames", "True");
      set("fps", fps === null ? "None" : json(fps, "fps"));
      set("num_frames", frames ?? "None");
      const size = edges(flags);
      if (size) set("size", json(size).replaceAll('"', "'"));
      if (rule.cap_tokens) set("cap_pixels_per_frame", "False");
    }
    if (flags.pruning) lines.push("# transformers prunes no tokens");
    return lines.join("\n");
  }

  return { brief, count, designs, transformersLines, vllmLine };
})();
