// Read the bytes of a CSV of runs, or say why they are none: vvlm_utils/runs/reading.py and what
// pandas does below it. What spreadsheets add is taken; what would change numbers is refused.
import { grouped, strip } from "./text.js";

export class RunsError extends Error {}

const ascii = (bytes) => String.fromCharCode(...bytes);

// Where bytes stop being UTF-8, or -1.
function firstFault(bytes) {
  for (let i = 0; i < bytes.length; ) {
    const [a, b] = [bytes[i], bytes[i + 1]];
    if (a < 0x80) { i++; continue; }
    const length = a >= 0xc2 && a < 0xe0 ? 2 : a >= 0xe0 && a < 0xf0 ? 3 : a >= 0xf0 && a < 0xf5 ? 4 : 0;
    const least = a === 0xe0 ? 0xa0 : a === 0xf0 ? 0x90 : 0x80;
    const most = a === 0xed ? 0x9f : a === 0xf4 ? 0x8f : 0xbf;
    if (!length || !(b >= least && b <= most)) return i;
    for (let k = 2; k < length; k++) if (!((bytes[i + k] & 0xc0) === 0x80)) return i;
    i += length;
  }
  return -1;
}

// The fields of CSV text with the line that each row ends in; quotes as pandas takes them.
function tokenize(text) {
  const rows = [];
  let [fields, field, line, quotes, opened] = [[], "", 1, 0, 0]; // quotes 1: within, 2: just closed
  let [started, justEnded] = [false, false];
  const endField = () => {
    fields.push(field);
    [field, quotes, started] = ["", 0, false];
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    justEnded = false;
    if (quotes === 1) {
      if (c === '"') quotes = 2;
      else {
        if (c === "\n" || (c === "\r" && text[i + 1] !== "\n")) line++;
        field += c;
      }
    } else if (c === '"' && quotes === 2) {
      field += c;
      quotes = 1;
    } else if (c === '"' && !started) {
      [quotes, started, opened] = [1, true, rows.length];
    } else if (c === ",") endField();
    else if (c === "\n" || c === "\r") {
      if (c === "\r" && text[i + 1] === "\n") i++;
      endField();
      rows.push({ fields, line: line++ });
      fields = [];
      justEnded = true;
    } else {
      field += c;
      started = true;
      if (quotes === 2) quotes = 3;
    }
  }
  const unclosed = quotes === 1 ? opened : -1;
  if (!justEnded && text.length) {
    endField();
    rows.push({ fields, line });
  }
  return { rows, unclosed };
}

// Lines before the header, and the header's line; refuses what is no text with commas.
function findHeader(bytes, name, { formats, head, save }) {
  const raw = bytes.subarray(0, head);
  let at = raw[0] === 0xef && raw[1] === 0xbb && raw[2] === 0xbf ? 3 : 0;
  while (raw[at] === 0x20 || raw[at] === 0x0d || raw[at] === 0x0a) at++;
  const begin = ascii(raw.subarray(at, at + 32));
  for (const [start, kind, hint] of formats)
    if (begin.startsWith(start)) throw new RunsError(`${name} is ${kind}, not a CSV; ${hint}`);
  if (raw.includes(0))
    throw new RunsError(`${name} is no text (it holds null bytes); ${save}`);
  const lines = new TextDecoder().decode(raw).split(/\r\n|\r|\n/);
  for (const [skipped, line] of lines.entries()) {
    const bare = strip(line).replace(/^["\ufeff]+|["\ufeff]+$/g, "").toLowerCase();
    if (bare.replace(/^[,;\t]+/, "") && !bare.startsWith("#") && !bare.startsWith("sep=")) {
      if (skipped === lines.length - 1 && raw.length === head) break;
      return { skipped, header: line, next: lines[skipped + 1] ?? "" };
    }
  }
  if (raw.length === head)
    throw new RunsError(`${name}: its first line does not end within ${head >> 10} kB, so it is ` +
      "no header of a table");
  throw new RunsError(`${name}: holds no table; the first line names the columns`);
}

function checkHeader(name, header, next, separators) {
  if (header.includes("\ufffd")) return; // bytes that are no UTF-8: the whole text's check says where
  const count = (mark) => header.split(mark).length - 1;
  for (const [separator, called] of Object.entries(separators))
    if (count(separator) > count(",")) {
      const point = /\d,\d/.test(next) ? ", and numbers with a decimal point" : "";
      throw new RunsError(`${name}: its fields are separated by ${called}; save it with commas${point}`);
    }
  const names = header.split(",");
  if (names.length === 1 && header.match(/[^ ]+/g).length > 3)
    throw new RunsError(`${name}: its fields are separated by spaces; save it with commas`);
  if (names.length > 3 && names.every((field) => /^[ \t]*"?[-+.\deE]+"?[ \t]*$/.test(field)))
    throw new RunsError(`${name}: the first line holds numbers; it must name the columns`);
}

function refuseWide(name, rows, fields, skipped) {
  const wide = rows.find((row) => row.fields.length > fields);
  throw new RunsError(
    `${name}: rows have more fields than the header: ` +
    (wide ? `line ${wide.line + skipped} has ${wide.fields.length}` : "some rows have more") +
    `, the header ${fields}; write numbers with a decimal point and without thousands ` +
    "separators (45.3, 7500000000 or 7.5e9), and put quotes around text with a comma"
  );
}

// Names as pandas gives them: numbered where they recur or are empty, then without spaces.
function columnNames(header) {
  const names = header.map((name, k) => (name === "" ? `Unnamed: ${k}` : name));
  const counts = {};
  const found = [];
  for (const name of names) {
    let [own, count] = [name, counts[name] ?? 0];
    while (count > 0) {
      counts[own] = count + 1;
      own = `${name}.${count}`;
      count = own in counts ? counts[own] : found.includes(own) ? count + 1 : 0;
    }
    counts[own] = (counts[own] ?? 0) + 1;
    found.push(own);
  }
  return found.map((name) => strip(name).replace(/^\ufeff+|\ufeff+$/g, ""));
}

// {names, columns: texts or null by column, lines}: the rows of a CSV that hold anything.
export function readCsv(bytes, name, rules) {
  if (bytes.length > rules.largest)
    throw new RunsError(
      `${name} holds ${grouped(Math.round(bytes.length / 1e6))} MB, and a table of runs at most ` +
      `${rules.largest / 1e6} MB; keep the columns of the runs alone, or fewer rows`
    );
  const { skipped, header, next } = findHeader(bytes, name, rules);
  checkHeader(name, header, next, rules.separators);
  const fault = firstFault(bytes);
  if (fault >= 0) {
    let line = 1;
    for (let i = 0; i < fault; i++) line += bytes[i] === 10;
    throw new RunsError(`${name}: line ${line} is not UTF-8 text ` +
      `(byte 0x${bytes[fault].toString(16)}); ${rules.save}`);
  }
  const text = new TextDecoder().decode(bytes);
  const start = [...text.matchAll(/\r\n|\r|\n/g)].slice(0, skipped).at(-1);
  const { rows, unclosed } = tokenize(skipped ? text.slice(start.index + start[0].length) : text);
  const [first, ...body] = rows;
  const fields = first.fields.length;
  const width = Math.max(fields, body[0]?.fields.length ?? 0);
  const plain = tokenize(header).rows[0].fields.length;
  if (body.some((row, i) => i && row.fields.length > width && (unclosed < 0 || i + 1 < unclosed)))
    refuseWide(name, rows, plain, skipped);
  if (unclosed >= 0)
    throw new RunsError(`${name}: a quote (") that opens in line ${unclosed + skipped + 1} never ` +
      "closes; remove or close it");
  const empty = new Set(rules.empty);
  const hangsOver = body.some((row) => row.fields.slice(fields).some((text) => !empty.has(text)));
  if (width > fields + 1 || hangsOver) refuseWide(name, rows, plain, skipped);
  const cell = (row, k) => (empty.has(row.fields[k] ?? "") ? null : row.fields[k]);
  const all = body.map((row, i) => (
    { cells: first.fields.map((_, k) => cell(row, k)), line: i + skipped + 2 }
  ));
  const comment = all.find(({ cells: [head, ...rest] }) =>
    head?.startsWith("#") && rest.every((value) => value === null)
  );
  if (comment) throw new RunsError(`${name}: line ${comment.line} is a comment; remove it`);
  const kept = all.filter(({ cells }) => cells.some((value) => value !== null));
  return { names: columnNames(first.fields), rows: kept };
}
