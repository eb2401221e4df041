// A law of task error: a sum, or a p-norm, of monomials; vvlm_utils/laws/law.py and evaluation.py.
//
// Laws come as templates over one factor, "@" (site/engine.py), and are spelt out here over a
// table's own factors. theta holds coefficients, exponents and, where there is a norm, log p.

const DATA = "train_examples";
const ANY = "@";

// The law of a template over these factors; a term named after the factor occurs once for each.
export function spellOut(template, factors, data, symbols) {
  const into = (name, f) => name.replace(ANY, () => symbols[f] ?? f);
  const over = (power, f) => ({
    ...power, factor: power.factor === ANY ? f : power.factor, exponent: into(power.exponent, f),
  });
  const terms = template.terms.flatMap((term) => {
    if (term.coefficient.includes(ANY))
      return factors.map((f) => ({
        coefficient: into(term.coefficient, f), powers: term.powers.map((p) => over(p, f)),
        apart: term.apart,
      }));
    const powers = term.powers.flatMap((p) =>
      p.factor === ANY ? factors.map((f) => over(p, f)) : [p]
    );
    return [{ coefficient: term.coefficient, powers, apart: term.apart }];
  });
  const kinds = kindsOf(template, factors, into);
  return describe({ name: template.name, factors: data ? [...factors, data] : [...factors], terms,
    norm: template.norm }, kinds);
}

// The kind of prior of every parameter, by name.
function kindsOf(template, factors, into) {
  const kinds = {};
  for (const [name, kind] of Object.entries(template.kinds))
    for (const f of name.includes(ANY) ? factors : [ANY])
      kinds[into(name, f)] = kind === "product" && factors.length === 1 ? "term" : kind;
  return kinds;
}

// A law with what its evaluation needs: names of parameters, entries (term, factor, place, sign).
export function describe(law, kinds = {}) {
  const coefficients = law.terms.map((term) => term.coefficient);
  const powers = law.terms.flatMap((term) => term.powers);
  const exponents = [...new Set(powers.map((p) => p.exponent))];
  const parameters = [...coefficients, ...exponents, ...(law.norm ? [law.norm] : [])];
  const place = Object.fromEntries(parameters.map((name, k) => [name, k]));
  const entries = law.terms.flatMap((term, j) =>
    term.powers.map((p) => [j, law.factors.indexOf(p.factor), place[p.exponent], p.sign])
  );
  const joined = law.terms.map((term) => Boolean(law.norm) && !term.apart);
  return { ...law, coefficients, exponents, parameters, entries, joined, kinds };
}

// Logarithms of the law's factors, less `centre`, as one array (factors x rows).
export function logDesign(law, rows, centre = null) {
  const logs = new Float64Array(law.factors.length * rows.length);
  law.factors.forEach((factor, k) =>
    rows.forEach((row, i) => {
      logs[k * rows.length + i] = Math.log(row[factor]) - (centre ? centre[k] : 0);
    })
  );
  return logs;
}

// Fill f (rows) with the law's values and gradient (parameters x rows) with d log f / d theta.
export function evaluate(law, theta, logZ, rows, f, gradient) {
  const { entries, joined } = law;
  const terms = joined.length;
  gradient.fill(0);
  f.fill(0);
  for (const [term, factor, place, sign] of entries) {
    const power = sign * theta[place];
    for (let i = 0, g = term * rows, z = factor * rows; i < rows; i++)
      gradient[g + i] += power * logZ[z + i];
  }
  if (law.norm) joinByNorm(theta, joined, rows, f, gradient);
  else {
    for (let j = 0; j < terms; j++)
      for (let i = 0, g = j * rows; i < rows; i++) {
        const monomial = Math.exp(gradient[g + i]);
        gradient[g + i] = monomial;
        f[i] += theta[j] * monomial;
      }
    for (let j = 0; j < terms; j++)
      for (let i = 0, g = j * rows; i < rows; i++) gradient[g + i] /= f[i];
  }
  for (const [term, factor, place, sign] of entries) {
    const weight = sign * theta[term];
    for (let i = 0, g = term * rows, p = place * rows, z = factor * rows; i < rows; i++)
      gradient[p + i] += weight * gradient[g + i] * logZ[z + i];
  }
}

// The p-norm of the joined terms plus the others. With u_j = log t_j and shares w_j = t_j^p / sum,
// the norm g has d log g / d u_j = w_j and d log g / d log p = sum_j w_j u_j - log g.
function joinByNorm(theta, joined, rows, f, gradient) {
  const last = theta.length - 1;
  const p = Math.exp(theta[last]);
  const terms = joined.length;
  const [u, share] = [new Float64Array(terms), new Float64Array(terms)];
  const logs = Float64Array.from(joined, (_, j) => Math.log(theta[j])); // of 0: -Infinity
  for (let i = 0; i < rows; i++) {
    let largest = -Infinity;
    let value = 0;
    for (let j = 0; j < terms; j++) {
      if (joined[j]) {
        u[j] = logs[j] + gradient[j * rows + i];
        if (u[j] > largest) largest = u[j];
      } else {
        share[j] = Math.exp(gradient[j * rows + i]);
        value += theta[j] * share[j];
      }
    }
    let [total, byShare] = [0, 0];
    for (let j = 0; j < terms; j++) {
      if (!joined[j]) continue;
      share[j] = u[j] > -Infinity ? Math.exp(p * (u[j] - largest)) : 0;
      total += share[j];
      if (share[j] > 0) byShare += share[j] * u[j];
    }
    const logNorm = largest + Math.log(total) / p;
    const norm = total > 0 ? Math.exp(logNorm) : 0;
    f[i] = value += norm;
    for (let j = 0; j < terms; j++) {
      const g = j * rows + i;
      if (!joined[j]) gradient[g] = share[j] / value;
      else gradient[g] = theta[j] > 0 ? (norm * share[j]) / total / (theta[j] * value) : 0;
    }
    if (total > 0) gradient[last * rows + i] = (norm * (byShare / total - logNorm)) / value;
  }
}

// A member's error at each row.
export function predict(law, theta, logZ, rows) {
  const f = new Float64Array(rows);
  evaluate(law, theta, logZ, rows, f, new Float64Array(theta.length * rows));
  return f;
}

// Relabel theta for factors measured in units exp(logRatio) times larger; the values stay.
export function changeUnits(law, theta, logRatio) {
  const moved = Float64Array.from(theta);
  const shift = new Float64Array(law.terms.length);
  for (const [term, factor, place, sign] of law.entries)
    shift[term] += sign * theta[place] * logRatio[factor];
  for (let j = 0; j < shift.length; j++) moved[j] *= Math.exp(shift[j]);
  return moved;
}

// The law and its members with further factors held at a level each.
export function holdFactors(law, members, levels, units) {
  const logLevel = law.factors.map((f) => (f in levels ? Math.log(levels[f] / (units[f] ?? 1)) : 0));
  const held = describe({
    name: law.name, factors: law.factors.filter((f) => !(f in levels)), norm: law.norm,
    terms: law.terms.map((term) => ({
      ...term, powers: term.powers.filter((p) => !(p.factor in levels)),
    })),
  }, law.kinds);
  const keep = held.parameters.map((name) => law.parameters.indexOf(name));
  return { law: held, members: members.map((member) => {
    const moved = changeUnits(law, member, logLevel);
    return Float64Array.from(keep, (k) => moved[k]);
  }) };
}

export { DATA };
